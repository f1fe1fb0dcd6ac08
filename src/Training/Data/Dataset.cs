using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>A data set in memory: one for the process, shared by all that train.</summary>
/// <param name="Features">[n, D], float32.</param>
/// <param name="Labels">The class of each row.</param>
internal sealed record Dataset(DatasetInfo Info, Tensor Features, ImmutableArray<int> Labels)
{
    private const double MaximumPixel = 16;

    private static readonly ConcurrentDictionary<string, Lazy<Dataset>> Resident = new();

    /// <summary>[n] int64.</summary>
    public Tensor LabelTensor { get; } = Lasting(() => tensor(Labels.Select(label => (long)label).ToArray()));

    /// <summary>[n, C], float32: 1 at the row's class.</summary>
    public Tensor Targets { get; } = Lasting(() =>
    {
        using var labels = tensor(Labels.Select(label => (long)label).ToArray());
        using var eye = torch.eye(Info.Classes, dtype: Features.dtype);
        return eye.index_select(0, labels);
    });

    public static Dataset Of(string name) => Resident.GetOrAdd(name, static name => new(() => Read(name))).Value;

    public static Dataset From(DatasetInfo info, float[] features, ImmutableArray<int> labels) =>
        new(info, Lasting(() => tensor(features, [labels.Length, info.Features])), labels);

    private static Dataset Read(string name)
    {
        var info = Datasets.All.FirstOrDefault(info => info.Name == name)
            ?? throw new TrainingException(TrainingException.BadData,
                $"dataset: '{name}' is none that this version has; expected one of {string.Join(", ", Datasets.All.Select(info => info.Name))}.");
        using var stream = typeof(Dataset).Assembly.GetManifestResourceStream($"{name}.csv.gz")!;
        using var reader = new StreamReader(new GZipStream(stream, CompressionMode.Decompress));
        var features = new float[info.Rows * info.Features];
        var labels = new int[info.Rows];
        for (var row = 0; row < info.Rows; row++)
        {
            var numbers = reader.ReadLine()!.Split(',');
            for (var column = 0; column < info.Features; column++)
                features[row * info.Features + column] = (float)(double.Parse(numbers[column], CultureInfo.InvariantCulture) / MaximumPixel);
            labels[row] = int.Parse(numbers[info.Features], CultureInfo.InvariantCulture);
        }
        return From(info, features, [.. labels]);
    }

    /// <summary>A tensor of the process, whatever dispose scope the caller holds.</summary>
    private static Tensor Lasting(Func<Tensor> make) => make().DetachFromDisposeScope();
}

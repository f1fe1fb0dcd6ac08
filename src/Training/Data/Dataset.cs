using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using TorchSharp;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>A data set in a device's memory, shared by several users. Each user disposes it, and the last disposal frees it.</summary>
/// <param name="Features">[n, D], float32. If the data set is standardised, only the result of <see cref="For"/> has them.</param>
/// <param name="Labels">The class of each row.</param>
internal sealed record Dataset(DatasetInfo Info, Tensor Features, ImmutableArray<int> Labels) : IDisposable
{
    private const double MaximumPixel = 16;

    private readonly double[]? _unscaled;
    private readonly bool _isOfOneRun;
    private readonly ImmutableArray<Standardisation> _scalings = []; // one for each block
    private Action? _dispose;

    /// <summary>[n] int64.</summary>
    public Tensor LabelTensor { get; private init; } = Lasting(() => tensor(Labels.Select(label => (long)label).ToArray(), device: Features.device));

    /// <summary>[n, C], float32: 1 at the row's class.</summary>
    public Tensor Targets { get; private init; } = Lasting(() =>
    {
        using var labels = tensor(Labels.Select(label => (long)label).ToArray(), device: Features.device);
        using var eye = torch.eye(Info.Classes, dtype: Features.dtype, device: Features.device);
        return eye.index_select(0, labels);
    });

    /// <summary>A built-in or published data set.</summary>
    public static Dataset Of(string name) => Of((name, null, null), DatasetSources.Default, CPU);

    /// <summary>The data set of a configuration, read if it is not in memory. The caller must dispose it.</summary>
    /// <param name="device">The device that needs it; null: the processor.</param>
    /// <exception cref="TrainerException">It is not available, or its content is not what was submitted.</exception>
    public static Dataset Of(Configuration configuration, DatasetSources sources, Device? device = null) => Of(
        (configuration[Parameters.Dataset], configuration[Parameters.DataContent], configuration[Parameters.LabelColumn]), sources, device ?? CPU);

    public static Dataset From(DatasetInfo info, float[] features, ImmutableArray<int> labels) => new(new DataTable(info, features, labels));

    /// <summary>
    /// The data set for one run: this object, or, where features are standardised, a data set with a block of all rows for each
    /// partition, scaled by that partition's training rows. The block of partition i begins at row i times <c>Info.Rows</c>. The run must
    /// dispose it in place of this object.
    /// </summary>
    public Dataset For(IReadOnlyList<Partition> partitions)
    {
        if (_unscaled is null)
            return this;
        var features = Lasting(() => empty((long)partitions.Count * Info.Rows, Info.Features, device: Features.device)); // [R*n, D]
        var scaled = new float[_unscaled.Length];
        ImmutableArray<Standardisation> scalings =
            [.. partitions.Select(partition => Standardisation.Of(_unscaled, Info.Features, partition.Train))];
        for (var i = 0; i < partitions.Count; i++)
        {
            scalings[i].Apply(_unscaled, scaled);
            using var rows = tensor(scaled, [Info.Rows, Info.Features]);
            using var block = features.narrow(0, (long)i * Info.Rows, Info.Rows);
            block.copy_(rows);
        }
        return new(this, features, scalings);
    }

    /// <summary>A copy on another device.</summary>
    internal Dataset To(Device device) => new(this, device);

    /// <summary>The bytes that it needs in device memory and in main memory.</summary>
    internal long Bytes => Features.numel() * sizeof(float) + LabelTensor.numel() * sizeof(long) + Targets.numel() * sizeof(float)
        + Labels.Length * (long)sizeof(int) + (_unscaled?.Length ?? 0L) * sizeof(double);

    /// <summary>The same data set for another user, who must dispose it.</summary>
    /// <param name="giveBack">Called once, when it is disposed.</param>
    internal Dataset Lend(Action giveBack) => this with { _dispose = giveBack };

    /// <summary>Frees its memory. It must not be on loan.</summary>
    internal void Free()
    {
        Features.Dispose();
        LabelTensor.Dispose();
        Targets.Dispose();
    }

    /// <summary>The scaling of the block that begins at <see cref="FirstRowOf"/>; null where features are not standardised.</summary>
    public Standardisation? ScalingFrom(int firstRow) => _isOfOneRun ? _scalings[firstRow / Info.Rows] : null;

    /// <summary>The first row of a partition in the result of <see cref="For"/>.</summary>
    public int FirstRowOf(int partition) => _isOfOneRun ? partition * Info.Rows : 0;

    /// <summary>Frees the tensors of one run, or ends the loan.</summary>
    public void Dispose() => Interlocked.Exchange(ref _dispose, null)?.Invoke();

    internal static DataTable ReadDigits()
    {
        var info = Datasets.All.First(info => info.Name == "digits");
        using var stream = typeof(Dataset).Assembly.GetManifestResourceStream("digits.csv.gz")!;
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
        return new(info, features, [.. labels]);
    }

    private Dataset(DataTable table) : this(
        table.Info,
        Lasting(() => table.Unscaled is null ? tensor(table.Features, [table.Labels.Length, table.Info.Features]) : zeros(0, table.Info.Features)),
        table.Labels) => _unscaled = table.Unscaled;

    /// <summary>Copies a data set to another device.</summary>
    private Dataset(Dataset all, Device device) : this(all.Info, Lasting(() => all.Features.to(device)), all.Labels) => _unscaled = all._unscaled;

    /// <summary>A data set with a block of all rows for each scaling.</summary>
    private Dataset(Dataset all, Tensor features, ImmutableArray<Standardisation> scalings) : this(all.Info, features, all.Labels)
    {
        _isOfOneRun = true;
        _scalings = scalings;
        _dispose = () =>
        {
            Free();
            all.Dispose();
        };
        (var labels, LabelTensor) = (LabelTensor, Lasting(() => all.LabelTensor.repeat(scalings.Length)));
        labels.Dispose();
        (var targets, Targets) = (Targets, Lasting(() => all.Targets.repeat(scalings.Length, 1)));
        targets.Dispose();
    }

    private static Dataset Of((string Name, string? Content, string? LabelColumn) data, DatasetSources sources, Device device) =>
        sources.Memory.Lend(new(data.Name, data.Content, data.LabelColumn, $"{device}"), () =>
        {
            if (device.type == DeviceType.CPU)
                return new(Read(data.Name, data.Content, data.LabelColumn, sources));
            using var here = Of(data, sources, CPU);
            return here.To(device);
        });

    private static DataTable Read(string name, string? content, string? labelColumn, DatasetSources sources) =>
        name == "digits" ? ReadDigits()
        : Datasets.All.FirstOrDefault(info => info.Name == name) is { } info ? OfficialFiles.Read(info, sources, _ => { }, CancellationToken.None)
        : KeptFiles.Read(name, content, labelColumn, sources);

    /// <summary>Creates a tensor that outlives the caller's dispose scope.</summary>
    private static Tensor Lasting(Func<Tensor> make) => make().DetachFromDisposeScope();
}

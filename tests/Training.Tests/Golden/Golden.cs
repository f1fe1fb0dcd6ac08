using System.Collections.Immutable;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>What PyTorch computes in float64; make_golden.py made it and says what is in it.</summary>
internal sealed record Golden(
    ImmutableArray<GoldenBatch> Batches, ImmutableArray<GoldenCase> Cases, ImmutableArray<GoldenFunction> Functions,
    ImmutableArray<GoldenGain> Gains, ImmutableArray<GoldenSchedule> Schedules)
{
    private static readonly JsonSerializerOptions Options =
        new(JsonSerializerDefaults.Web) { Converters = { new ConfigurationConverter() } };

    private static readonly Lazy<Golden> Read = new(() =>
    {
        using var resource = typeof(Golden).Assembly.GetManifestResourceStream("golden.json.gz")!;
        using var json = new GZipStream(resource, CompressionMode.Decompress);
        return JsonSerializer.Deserialize<Golden>(json, Options)!;
    });

    public static Golden Values => Read.Value;

    private sealed class ConfigurationConverter : JsonConverter<Configuration>
    {
        public override Configuration Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return Configuration.Parse(document.RootElement.GetRawText());
        }

        public override void Write(Utf8JsonWriter writer, Configuration value, JsonSerializerOptions options) =>
            writer.WriteRawValue(value.Json);
    }
}

/// <summary>Numbers row by row.</summary>
internal sealed record GoldenTensor(long[] Shape, double[] Values)
{
    public double Norm => Math.Sqrt(Values.Sum(value => value * value));

    /// <summary>The distance of other numbers from these, as a part of these numbers' norm or of a larger scale.</summary>
    public double Difference(IReadOnlyCollection<double> actual, double scale = 0)
    {
        Assert.Equal(Values.Length, actual.Count);
        return Math.Sqrt(Values.Zip(actual, (expected, value) => (expected - value) * (expected - value)).Sum()) / Math.Max(Norm, scale);
    }
}

/// <summary>A mini-batch: [B, D] and the class of each row.</summary>
internal sealed record GoldenBatch(GoldenTensor X, long[] Labels);

/// <summary>A small network in training, its tensors named 1.weight, 1.bias, 1.scale, 1.shift, 1.alpha, 1.mean, 1.variance ...</summary>
/// <param name="Logits">Of the first step, [B, C].</param>
/// <param name="Gradients">Of the first step, not clipped.</param>
/// <param name="Norms">Each step's gradient norm, where there is clipping.</param>
/// <param name="Rates">Each step's learning rate.</param>
/// <param name="End">After the last step; null in a case without training.</param>
/// <param name="Evaluation">The first mini-batch's logits in evaluation mode after all, [B, C].</param>
internal sealed record GoldenCase(
    string Name, Configuration Configuration, ImmutableDictionary<string, GoldenTensor> Start, GoldenTensor? Logits,
    ImmutableDictionary<string, GoldenTensor>? Gradients, double[]? Norms, double[]? Rates, double[]? Losses,
    ImmutableDictionary<string, GoldenTensor>? End, GoldenTensor Evaluation)
{
    /// <summary>
    /// The distance of a parameter or gradient from what it should be, norm-wise, as a part of its own norm or of its layer's weights'
    /// where that is larger: sums over a mini-batch may cancel, as a bias' gradient before batch norm does wholly.
    /// </summary>
    public static double Difference(IReadOnlyDictionary<string, GoldenTensor> expected, string name, IReadOnlyCollection<double> actual) =>
        expected[name].Difference(actual, expected[$"{name.Split('.')[0]}.weight"].Norm);

    public override string ToString() => Name;
}

/// <summary>An activation and its derivative at some inputs.</summary>
internal sealed record GoldenFunction(
    string Name, Configuration Configuration, GoldenTensor Input, GoldenTensor Output, GoldenTensor Derivative);

internal sealed record GoldenGain(Configuration Configuration, double Gain);

/// <param name="Rates">The learning rate of each step.</param>
internal sealed record GoldenSchedule(Configuration Configuration, int StepsPerEpoch, double[] Rates);

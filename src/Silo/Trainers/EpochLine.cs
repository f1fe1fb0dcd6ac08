using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>A command's line for one epoch. A metric is null if the line lacks it, and NaN if it is not finite.</summary>
internal sealed partial record EpochLine(
    int Epoch, double? TrainLoss, double? ValidationLoss, double? ValidationAccuracy, double? TestLoss, double? TestAccuracy)
{
    private const int MostShown = 80;

    public bool IsDiverged => ((double?[])[TrainLoss, ValidationLoss, ValidationAccuracy, TestLoss, TestAccuracy]).Any(metric => metric is double.NaN);

    /// <summary>A metric with its name in the line; the value is null if the line lacks it.</summary>
    public (string Name, double? Value) Of(Metric metric) => metric switch
    {
        Metric.TrainLoss => ("trainLoss", TrainLoss),
        Metric.ValidationLoss => ("validationLoss", ValidationLoss),
        Metric.ValidationAccuracy => ("validationAccuracy", ValidationAccuracy),
        _ => throw new ArgumentOutOfRangeException(nameof(metric)),
    };

    /// <exception cref="FormatException">The line has the wrong format.</exception>
    public static EpochLine Parse(ReadOnlySpan<byte> line)
    {
        var text = Encoding.UTF8.GetString(line);
        JsonElement json;
        try
        {
            // Python writes non-finite numbers in a form that JSON does not have.
            using var document = JsonDocument.Parse(NotFinite().Replace(text, "null"));
            json = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw Unusable(text, "expected one JSON object a line on the standard output; print all else to the standard error");
        }
        if (json.ValueKind != JsonValueKind.Object)
            throw Unusable(text, "expected a JSON object");
        if (!json.TryGetProperty("epoch", out var number) || number.ValueKind != JsonValueKind.Number || !number.TryGetInt32(out var epoch))
            throw Unusable(text, "it has no whole number 'epoch'");
        var read = new EpochLine(epoch, Metric("trainLoss"), Metric("validationLoss"), Metric("validationAccuracy"), Metric("testLoss"), Metric("testAccuracy"));
        return read is { TrainLoss: null, ValidationLoss: null, ValidationAccuracy: null }
            ? throw Unusable(text, "it has none of the metrics trainLoss, validationLoss and validationAccuracy")
            : read;

        double? Metric(string name) => !json.TryGetProperty(name, out var value) ? null : value.ValueKind switch
        {
            JsonValueKind.Null => double.NaN,
            JsonValueKind.Number => value.GetDouble() is var metric && double.IsFinite(metric) ? metric : double.NaN,
            _ => throw Unusable(text, $"its {name} is no number"),
        };
    }

    private static FormatException Unusable(string text, string why) =>
        new($"it printed '{string.Concat(text.Take(MostShown).Select(Visible))}{(text.Length > MostShown ? "..." : "")}': {why}");

    /// <summary>An invisible character, such as a byte order mark, as a JSON escape.</summary>
    private static string Visible(char character) => char.GetUnicodeCategory(character) is UnicodeCategory.Control or UnicodeCategory.Format
        ? $"\\u{(int)character:x4}"
        : $"{character}";

    [GeneratedRegex(@"(?<=[:,\[\s])-?(NaN|Infinity)(?=[,}\]\s])", RegexOptions.CultureInvariant)]
    private static partial Regex NotFinite();
}

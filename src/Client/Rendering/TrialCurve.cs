using System.Collections.Immutable;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Rendering;

/// <summary>The epochs of one trial: losses, and the gradients of each layer.</summary>
internal static class TrialCurve
{
    public static void Write(OutputFormat format, TrialId trial, ImmutableArray<EpochResult> epochs)
    {
        var exact = format is OutputFormat.Csv;
        Output.WriteRows(
            format,
            [
                ("epoch", true), ("trainLoss", true), ("validationLoss", true), ("validationAccuracy", true), ("seconds", true),
                ("gradient", false), ("flags", false),
            ],
            [.. epochs.Select(epoch => (IReadOnlyList<string>)
            [
                $"{epoch.Epoch}", Show(epoch.TrainLoss), Show(epoch.ValidationLoss), Show(epoch.ValidationAccuracy),
                Output.Seconds(epoch.Seconds), epoch.Health?.Ailments.Verdict() ?? (exact ? "" : "-"),
                string.Join('+', epoch.Health?.Ailments.Flags() ?? []),
            ])],
            new { Trial = $"{trial}", Epochs = epochs.Select(Json) });

        string Show(double? value) => exact ? Output.Exact(value) : Output.Number(value);
    }

    private static object Json(EpochResult epoch) => new
    {
        epoch.Epoch,
        epoch.TrainLoss,
        epoch.ValidationLoss,
        epoch.ValidationAccuracy,
        epoch.Seconds,
        epoch.Fence,
        Gradient = epoch.Health?.Ailments.Verdict(),
        Flags = epoch.Health?.Ailments.Flags(),
        GradientRatio = epoch.Health is { } health && double.IsFinite(health.Ratio) ? health.Ratio : (double?)null,
        Layers = epoch.Health?.Layers.Select((layer, index) => new
        {
            Layer = index + 1,
            Mean = Finite(layer.Mean),
            Variance = Finite(layer.Variance),
            GradientRms = Finite(layer.GradientRms),
            WeightGradientNorm = Finite(layer.WeightGradientNorm),
            UpdateRatio = Finite(layer.UpdateRatio),
            FlatSlopes = Finite(layer.FlatSlopes),
            DeadUnits = Finite(layer.DeadUnits),
            Alpha = Finite(layer.Alpha),
        }),
    };

    private static float? Finite(float number) => float.IsFinite(number) ? number : null;
}

using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Messages;

// The sweep domain's assembly does not depend on Orleans, so its types are serialized through these surrogates.

[GenerateSerializer, Immutable, Alias("TrialId")]
internal readonly record struct TrialIdSurrogate(
    [property: Id(0)] string Sweep, [property: Id(1)] string Cell, [property: Id(2)] int Replicate);

[GenerateSerializer, Immutable, Alias("EpochReport")]
internal readonly record struct EpochReportSurrogate(
    [property: Id(0)] TrialId Trial,
    [property: Id(1)] int Epoch,
    [property: Id(2)] double TrainLoss,
    [property: Id(3)] double ValidationLoss,
    [property: Id(4)] double ValidationAccuracy,
    [property: Id(5)] double Seconds,
    [property: Id(6)] string? Outcome,
    [property: Id(7)] double? TestLoss,
    [property: Id(8)] double? TestAccuracy,
    [property: Id(9)] string? FailureClass,
    [property: Id(10)] string? FailureMessage,
    [property: Id(11)] int Steps,
    [property: Id(12)] byte[]? Health,
    [property: Id(13)] Ailments Ailments,
    [property: Id(14)] string? FailureLog,
    [property: Id(15)] int Samples);

[RegisterConverter]
internal sealed class TrialIdConverter : IConverter<TrialId, TrialIdSurrogate>
{
    public TrialId ConvertFromSurrogate(in TrialIdSurrogate surrogate) => new(surrogate.Sweep, surrogate.Cell, surrogate.Replicate);

    public TrialIdSurrogate ConvertToSurrogate(in TrialId value) => new(value.Sweep, value.Cell, value.Replicate);
}

[RegisterConverter]
internal sealed class EpochReportConverter : IConverter<EpochReport, EpochReportSurrogate>
{
    public EpochReport ConvertFromSurrogate(in EpochReportSurrogate surrogate)
    {
        var failure = surrogate.FailureClass is { } name ? new Failure(name, surrogate.FailureMessage ?? "") { Log = surrogate.FailureLog } : null;
        var ending = surrogate.Outcome is { } outcome
            ? new Ending(Enum.Parse<Outcome>(outcome), surrogate.TestLoss, surrogate.TestAccuracy, failure)
            : null;
        return new(surrogate.Trial, surrogate.Epoch, surrogate.TrainLoss, surrogate.ValidationLoss, surrogate.ValidationAccuracy,
            surrogate.Steps, surrogate.Seconds, ending)
        {
            Samples = surrogate.Samples,
            Health = surrogate.Health is { } health ? GradientHealth.Unpack(health, surrogate.Ailments) : null,
        };
    }

    public EpochReportSurrogate ConvertToSurrogate(in EpochReport value) => new(
        value.Trial, value.Epoch, value.TrainLoss, value.ValidationLoss, value.ValidationAccuracy, value.Seconds,
        value.Ending?.Outcome.ToString(), value.Ending?.TestLoss, value.Ending?.TestAccuracy,
        value.Ending?.Failure?.Class, value.Ending?.Failure?.Message, value.Steps, value.Health?.Pack(), value.Health?.Ailments ?? Ailments.None,
        value.Ending?.Failure?.Log, value.Samples);
}

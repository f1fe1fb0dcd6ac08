using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Grains;

/// <summary>How the trials of one level of one factor have done so far.</summary>
/// <param name="Trained">Those that completed, diverged or were stopped: what failed or was cancelled says nothing of its level.</param>
/// <param name="Objective">The mean over those that completed; null: none has.</param>
/// <param name="Diverged">The share of diverged ones, 0 to 1; null: none was trained to its end.</param>
/// <param name="Unhealthy">The share of those whose gradients were not healthy at the end, of those that somebody looked at, 0 to 1.</param>
public sealed record LevelResults(string Factor, string Level, int Trained, double? Objective, double? Diverged, double? Unhealthy);

/// <summary>Counts for <see cref="LevelResults"/>, trial by trial.</summary>
internal sealed class LevelTally(string factor, string level)
{
    private readonly Mean _objective = new();
    private int _trained;
    private int _diverged;
    private int _examined;
    private int _unhealthy;

    public LevelResults Results => new(
        factor, level, _trained, _objective.Value, Ratio(_diverged, _trained), Ratio(_unhealthy, _examined));

    public void Record(Outcome outcome, double? objective, Ailments? ailments)
    {
        if (outcome is Outcome.Failed or Outcome.Cancelled)
            return;
        _trained++;
        if (outcome is Outcome.Diverged)
            _diverged++;
        if (objective is { } value)
            _objective.Add(value);
        if (ailments is null)
            return;
        _examined++;
        if (ailments is not Ailments.None)
            _unhealthy++;
    }

    private static double? Ratio(double part, int all) => all > 0 ? part / all : null;
}

using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>Accumulates <see cref="LevelResults"/>, trial by trial.</summary>
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

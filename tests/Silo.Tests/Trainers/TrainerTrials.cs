using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>Trials of the trainers that are not fused.</summary>
internal static class TrainerTrials
{
    public static CohortTrial Simulated(double seconds, int epochs = 1, int replicate = 1) => Trial(replicate, epochs,
        ("trainer", ParameterValue.Of("simulate")), ("simulateSeconds", ParameterValue.Of(seconds)), ("simulateAccuracy", ParameterValue.Of(0.75)),
        ("simulateCohort", ParameterValue.Of(3)));

    /// <summary>A trial whose command is a script of the shell.</summary>
    public static CohortTrial Script(string script, int epochs = 1) => Command(["/bin/sh", "-c", script], epochs);

    public static CohortTrial Command(string[] words, int epochs = 1) => Trial(1, epochs,
        ("trainer", ParameterValue.Of("command")), ("command", ParameterValue.Of([.. words])), ("units", ParameterValue.Of(32)),
        ("kind", ParameterValue.Of("tr\u00e9e '\\\"`$(x)")));

    private static CohortTrial Trial(int replicate, int epochs, params (string Name, ParameterValue Value)[] values)
    {
        var configuration = Configuration.Resolve(values.Append(("epochs", ParameterValue.Of(epochs))).ToDictionary(value => value.Item1, value => value.Item2));
        return new(new("mine-1", configuration.CellId, replicate), configuration);
    }
}

using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>Trains each trial with a program of the user, in a process group of its own.</summary>
/// <remarks>docs/command-trainers.md describes what such a program has to do.</remarks>
internal sealed class CommandTrainer(CommandPolicy allowed, TimeProvider time) : ITrainer
{
    public int? CohortSize(Configuration configuration) => 1;

    /// <exception cref="TrainerException">The command is not allowed here, or cannot be started.</exception>
    public ITrainingRun Start(Cohort cohort)
    {
        var command = cohort.Trials[0].Configuration[Parameters.CommandLine];
        if (!allowed.Allows(command))
            throw new TrainerException(FailureClass.CodeError,
                $"This worker does not start the sweep's command, because its setting {CommandPolicy.Setting} does not list it. If it may be started, add "
                + $"'{CommandPolicy.Listed(command)}' to that setting on every worker, start the workers again, and retry the trial.");
        if (OperatingSystem.IsWindows())
            throw new TrainerException(FailureClass.CodeError, "Commands are started by a POSIX shell, which Windows does not have; run this sweep on Linux or macOS.");
        return new CommandRun(cohort, command, time);
    }
}

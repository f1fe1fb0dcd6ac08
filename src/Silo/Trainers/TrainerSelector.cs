using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>Trains each cohort with the trainer that its configuration names.</summary>
/// <param name="fused">Null if this process has no libtorch: then trials that need it fail, and all others are trained.</param>
/// <param name="commands">The commands that trials may start here.</param>
public sealed class TrainerSelector(ITrainer? fused, CommandPolicy commands, TimeProvider time) : ITrainer
{
    private readonly SimulatedTrainer _simulated = new(time);
    private readonly CommandTrainer _command = new(commands, time);

    public int? CohortSize(Configuration configuration) => Of(configuration) is { } trainer ? trainer.CohortSize(configuration) : 1;

    /// <exception cref="TrainerException">The cohort cannot be trained here.</exception>
    public ITrainingRun Start(Cohort cohort) => (Of(cohort.Trials[0].Configuration)
        ?? throw new TrainerException(FailureClass.NoTorch, "This worker has no libtorch, which the trainer fused needs; start a worker that has.")).Start(cohort);

    private ITrainer? Of(Configuration configuration) => configuration[Parameters.Trainer] switch
    {
        Parameters.Simulate => _simulated,
        Parameters.Command => _command,
        _ => fused,
    };
}

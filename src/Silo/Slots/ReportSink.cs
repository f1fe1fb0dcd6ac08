using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>Receives what slots report: passes results to the writer, and progress and abandoned trials to the trials' grains.</summary>
internal sealed class ReportSink(ResultWriter writer, TrialsInTraining training, IGrainFactory grains)
{
    /// <summary>A slot starts training these trials.</summary>
    public void Begin(IEnumerable<LeasedTrial> trials)
    {
        foreach (var trial in trials)
            training.Begin(trial.Trial, trial.Fence);
    }

    /// <summary>Passes an epoch or an ending on; blocks while the writer's queue is full.</summary>
    /// <param name="checkpoint">The checkpoint that the trial can resume from after this epoch, unless it ended with it.</param>
    /// <param name="concluded">Called when the store has judged this report and all that were passed on before it.</param>
    public void Pass(HeldLease lease, EpochReport report, LeasedTrial trial, string? checkpoint = null, Action? concluded = null)
    {
        training.Report(report, trial.Fence);
        if (report.Ending is null)
            writer.Enqueue(lease, new(report, trial.Fence) { Checkpoint = checkpoint }, concluded);
        else
            writer.Enqueue(lease, new(report, trial.Fence), () =>
            {
                training.End(trial.Trial, trial.Fence);
                concluded?.Invoke();
            });
    }

    /// <summary>Whether the trial was asked to stop.</summary>
    public bool IsStopWanted(LeasedTrial trial) => training.IsStopWanted(trial.Trial, trial.Fence);

    /// <summary>A slot no longer trains these trials, though they have not ended.</summary>
    public void GiveUp(IEnumerable<LeasedTrial> trials)
    {
        foreach (var trial in trials)
        {
            training.End(trial.Trial, trial.Fence);
            grains.Trial(trial.Trial).Settle(trial.Fence).Ignore();
        }
    }
}

using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>What slots pass on: reports to the writer and to whoever looks at a trial in training, and that a trial is given up.</summary>
internal sealed class ReportSink(ResultWriter writer, TrialsInTraining training, IGrainFactory grains)
{
    /// <summary>A slot begins to train these.</summary>
    public void Begin(IEnumerable<LeasedTrial> trials)
    {
        foreach (var trial in trials)
            training.Begin(trial.Trial, trial.Fence);
    }

    /// <summary>Passes an epoch, or an ending, on; blocks while the writer has too many to write.</summary>
    /// <param name="checkpoint">What the trial can go on from after this epoch, unless it ended with it.</param>
    /// <param name="concluded">Called when the store has judged this report, and all that were passed on before it.</param>
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

    /// <summary>Whether somebody wants the trial to end.</summary>
    public bool IsStopWanted(LeasedTrial trial) => training.IsStopWanted(trial.Trial, trial.Fence);

    /// <summary>A slot trains these no longer, though they have not ended.</summary>
    public void GiveUp(IEnumerable<LeasedTrial> trials)
    {
        foreach (var trial in trials)
        {
            training.End(trial.Trial, trial.Fence);
            grains.Trial(trial.Trial).Settle(trial.Fence).Ignore();
        }
    }
}

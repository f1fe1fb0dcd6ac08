using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Rendering;

/// <summary>The JSON of a sweep in the output of <c>list</c> and <c>status</c>.</summary>
internal static class OverviewJson
{
    public static object Of(SweepOverview sweep) => new
    {
        SweepId = sweep.Id,
        sweep.Name,
        sweep.Status,
        sweep.Created,
        sweep.Finished,
        sweep.Device,
        Trials = new
        {
            sweep.Total,
            sweep.Waiting,
            Running = sweep.Leased,
            Completed = sweep.ByOutcome.GetValueOrDefault(Outcome.Completed),
            Diverged = sweep.ByOutcome.GetValueOrDefault(Outcome.Diverged),
            Stopped = sweep.ByOutcome.GetValueOrDefault(Outcome.Stopped),
            Failed = sweep.ByOutcome.GetValueOrDefault(Outcome.Failed),
            Cancelled = sweep.ByOutcome.GetValueOrDefault(Outcome.Cancelled),
        },
    };
}

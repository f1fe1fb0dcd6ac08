using System.Diagnostics.Metrics;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo;

/// <summary>The instruments of the meter <c>DeepTrain.Cluster</c>. Counters say what this process did; sweeps' state is gauges.</summary>
public sealed class ClusterMetrics
{
    private readonly Counter<long> _trials;
    private readonly Counter<long> _steps;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _retried;
    private int _slots;
    private int _busy;

    public ClusterMetrics(IMeterFactory meters, ActiveSweeps sweeps)
    {
        var meter = Meter = meters.Create("DeepTrain.Cluster");
        _trials = meter.CreateCounter<long>("deeptrain.trials.ended", "{trial}", "Trials whose outcome this process made durable.");
        _steps = meter.CreateCounter<long>("deeptrain.trial.steps", "{step}", "Mini-batches trained, counted per trial, at durable acceptance.");
        _refused = meter.CreateCounter<long>("deeptrain.writes.refused", "{report}", "Reports that came under a fence no longer current.");
        _retried = meter.CreateCounter<long>("deeptrain.trials.retried", "{trial}", "Failures that a trial is tried again after, by class.");
        meter.CreateObservableGauge("deeptrain.slots", () => _slots, "{slot}", "Slots of this process.");
        meter.CreateObservableGauge("deeptrain.slots.busy", () => _busy, "{slot}", "Slots of this process that train.");
        meter.CreateObservableGauge("deeptrain.sweep.trials.waiting", () => Gauge(sweeps, sweep => sweep.Waiting), "{trial}",
            "Trials of an active sweep that wait.");
        meter.CreateObservableGauge("deeptrain.sweep.trials.running", () => Gauge(sweeps, sweep => sweep.Running), "{trial}",
            "Trials of an active sweep that are leased.");
        meter.CreateObservableGauge("deeptrain.sweep.trials", () => sweeps.All.SelectMany(sweep => new[]
        {
            Of(sweep, "completed", sweep.Completed), Of(sweep, "diverged", sweep.Diverged), Of(sweep, "stopped", sweep.Stopped),
            Of(sweep, "failed", sweep.Failed), Of(sweep, "cancelled", sweep.Cancelled),
        }), "{trial}", "Trials of an active sweep by outcome.");
        meter.CreateObservableGauge("deeptrain.sweep.objective.best",
            () => sweeps.All.Where(sweep => sweep.Best is not null).Select(sweep =>
                new Measurement<double>(sweep.Best!.Objective, new KeyValuePair<string, object?>("sweep", sweep.SweepId))),
            "1", "The best mean objective of a cell of an active sweep, all its replicates completed.");
    }

    public Meter Meter { get; }

    /// <summary>An outcome is durable.</summary>
    public void TrialEnded(Outcome outcome) => _trials.Add(1, new KeyValuePair<string, object?>("outcome", Name(outcome)));

    /// <summary>A trial's epoch is durable.</summary>
    public void StepsTrained(int steps) => _steps.Add(steps);

    /// <summary>A trial failed for a reason that may pass.</summary>
    public void TrialRetried(string failureClass) => _retried.Add(1, new KeyValuePair<string, object?>("class", failureClass));

    public void WriteRefused() => _refused.Add(1);

    public void SlotsChanged(int count) => Interlocked.Add(ref _slots, count);

    public void BusyChanged(int count) => Interlocked.Add(ref _busy, count);

    private static string Name(Outcome outcome) => outcome.ToString().ToLowerInvariant();

    private static Measurement<int> Of(SweepProgress sweep, string outcome, int count) =>
        new(count, new KeyValuePair<string, object?>("sweep", sweep.SweepId), new("outcome", outcome));

    private static IEnumerable<Measurement<int>> Gauge(ActiveSweeps sweeps, Func<SweepProgress, int> value) =>
        sweeps.All.Select(sweep => new Measurement<int>(value(sweep), new KeyValuePair<string, object?>("sweep", sweep.SweepId)));
}

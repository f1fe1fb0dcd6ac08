using System.Diagnostics.Metrics;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>The instruments of the meter <c>DeepTrain.Cluster</c>. Counters count this process's work; gauges show sweeps.</summary>
public sealed class ClusterMetrics
{
    private static readonly double[] Seconds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

    private readonly Counter<long> _trials;
    private readonly Histogram<double> _durations;
    private readonly Counter<long> _steps;
    private readonly Counter<long> _samples;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _retried;
    private readonly Counter<long> _epochs;
    private readonly Histogram<int> _cohorts;
    private readonly Counter<long> _renewed;
    private readonly Counter<long> _lost;
    private readonly Histogram<double> _flushes;
    private readonly Histogram<int> _flushed;
    private readonly Counter<long> _storeErrors;
    private readonly Histogram<double> _checkpoints;
    private readonly Counter<long> _checkpointBytes;
    private readonly Counter<long> _checkpointErrors;
    private readonly Counter<long> _membershipErrors;
    private string? _device;
    private int _slots;
    private int _busy;
    private bool _coordinates;
    private int _queued;

    public ClusterMetrics(IMeterFactory meters, ActiveSweeps sweeps, DataFolder folder)
    {
        var meter = Meter = meters.Create("DeepTrain.Cluster");
        _trials = meter.CreateCounter<long>("deeptrain.trials.ended", "{trial}", "Trials whose outcome this process made durable.");
        _durations = meter.CreateHistogram("deeptrain.trial.duration", "s", "How long after its lease a trial ended here.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200, 86_400] });
        _samples = meter.CreateCounter<long>("deeptrain.samples", "{row}", "Rows trained, counted per trial, at durable acceptance.");
        _steps = meter.CreateCounter<long>("deeptrain.trial.steps", "{step}", "Mini-batches trained, counted per trial, at durable acceptance.");
        _refused = meter.CreateCounter<long>("deeptrain.writes.refused", "{report}", "Reports that came under a fence no longer current.");
        _retried = meter.CreateCounter<long>("deeptrain.trials.retried", "{trial}", "Failures that a trial is tried again after, by class.");
        _epochs = meter.CreateCounter<long>("deeptrain.epochs", "{epoch}", "Epochs trained, counted per trial, at durable acceptance.");
        _cohorts = meter.CreateHistogram("deeptrain.cohort.size", "{trial}", "Trials that a slot took together.",
            advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] });
        _renewed = meter.CreateCounter<long>("deeptrain.leases.renewed", "{lease}", "Leases of this process that a coordinator has renewed.");
        _lost = meter.CreateCounter<long>("deeptrain.leases.lost", "{lease}", "Leases of this process that a coordinator has refused to renew.");
        _flushes = meter.CreateHistogram("deeptrain.store.flush.duration", "s", "How long reports took to become durable, flush by flush.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });
        _flushed = meter.CreateHistogram("deeptrain.store.flush.size", "{report}", "Reports of a flush.",
            advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 10, 50, 100, 200, 500, 1000, 2000] });
        _storeErrors = meter.CreateCounter<long>("deeptrain.store.errors", "{flush}", "Flushes that failed and are tried again.");
        meter.CreateObservableGauge("deeptrain.store.queue", () => _queued, "{report}", "Reports of this process that are not durable yet.");
        _checkpoints = meter.CreateHistogram("deeptrain.checkpoint.duration", "s", "How long a checkpoint took to be written and flushed.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });
        _checkpointBytes = meter.CreateCounter<long>("deeptrain.checkpoint.written", "By", "Bytes of checkpoints written.");
        _checkpointErrors = meter.CreateCounter<long>("deeptrain.checkpoint.errors", "{checkpoint}", "Checkpoints that could not be written.");
        _membershipErrors = meter.CreateCounter<long>("deeptrain.membership.errors", "{look}", "Looks into the table of members, one each 5 s, that failed: Redis does not answer, or does not write.");
        meter.CreateObservableGauge("deeptrain.data.free", folder.FreeSpace, "By", "Free space where the data folder is.");
        meter.CreateObservableCounter("deeptrain.leases.expired", () => sweeps.Expired, "{trial}",
            "Trials that this process took from leases whose time was over or whose silo had died.");
        meter.CreateObservableCounter("deeptrain.trials.killed", () => sweeps.Killed, "{trial}",
            "Trials that this process failed as worker-killer: each time that they were trained alone their worker died.");
        meter.CreateObservableGauge("deeptrain.slots", () => OfDevice(_slots), "{slot}", "Slots of this process.");
        meter.CreateObservableGauge("deeptrain.slots.busy", () => OfDevice(_busy), "{slot}", "Slots of this process that train.");
        meter.CreateObservableGauge("deeptrain.coordinators", () => _coordinates ? new Measurement<int>[] { new(1) } : [], "{silo}",
            "1 for a process that coordinates sweeps where they come to it; others have no such series.");
        meter.CreateObservableCounter("deeptrain.coordinator.opened", () => sweeps.Opened, "{sweep}",
            "How often a coordinator in this process has taken a sweep over: at its start, and when its file or state changed.");
        meter.CreateObservableGauge("deeptrain.coordinator.fence", () => Gauge<long>(sweep => sweep.Fence), "{fence}",
            "The fence of an active sweep's coordinator: each that takes the sweep over raises it.");
        meter.CreateObservableGauge("deeptrain.coordinator.rebuild", () => Gauge<double>(sweep => sweep.Rebuilding.TotalSeconds), "s",
            "How long the coordinator of an active sweep took to read its results.");
        meter.CreateObservableGauge("deeptrain.sweep.progress", () => Gauge<double>(sweep => (double)sweep.Progress.Ended / sweep.Progress.Total), "1",
            "The share of an active sweep's trials that have ended.");
        meter.CreateObservableGauge("deeptrain.sweep.left", () => Gauge(sweep => sweep.Left?.TotalSeconds), "s",
            "How long an active sweep may take from now on, at the pace since its coordinator opened it.");
        meter.CreateObservableGauge("deeptrain.sweep.paused", () => Gauge<int>(sweep => sweep.Progress.Status is SweepStatus.Paused ? 1 : 0), "{sweep}",
            "1: nothing of the sweep is leased, because somebody has paused it; 0: it runs.");
        meter.CreateObservableGauge("deeptrain.sweep.trials.waiting", () => sweeps.All.Select(sweep => new Measurement<int>(
                sweep.Progress.Waiting, Label(sweep), new("device", sweep.Device ?? "any"))), "{trial}",
            "Trials of an active sweep that wait, by the kind of devices that may train them: cpu, cuda or any.");
        meter.CreateObservableGauge("deeptrain.sweep.trials.running", () => Gauge<int>(sweep => sweep.Progress.Running), "{trial}",
            "Trials of an active sweep that are leased.");
        meter.CreateObservableGauge("deeptrain.sweep.trials.all", () => Gauge<int>(sweep => sweep.Progress.Total), "{trial}",
            "Trials of an active sweep, ended or not.");
        meter.CreateObservableGauge("deeptrain.sweep.trials", () => sweeps.All.SelectMany(sweep => new[]
        {
            Of(sweep, Outcome.Completed, sweep.Progress.Completed), Of(sweep, Outcome.Diverged, sweep.Progress.Diverged),
            Of(sweep, Outcome.Stopped, sweep.Progress.Stopped), Of(sweep, Outcome.Failed, sweep.Progress.Failed),
            Of(sweep, Outcome.Cancelled, sweep.Progress.Cancelled),
        }), "{trial}", "Trials of an active sweep by outcome.");
        meter.CreateObservableGauge("deeptrain.sweep.objective.best", () => Gauge(sweep => sweep.Progress.Best?.Objective), "{objective}",
            "The best mean objective of a cell of an active sweep, all its replicates completed.");
        meter.CreateObservableGauge("deeptrain.sweep.result.timestamp", () => Gauge(sweep => sweep.LastResult?.ToUnixTimeMilliseconds() / 1000.0), "s",
            "When a trial of an active sweep ended last, in Unix time.");
        meter.CreateObservableGauge("deeptrain.sweep.epoch.timestamp", () => Gauge<double>(sweep => sweep.LastEpoch.ToUnixTimeMilliseconds() / 1000.0), "s",
            "When a report of an active sweep's trials became durable last, as workers say at each renewal; where none has since its coordinator came: when that was. In Unix time.");
        meter.CreateObservableGauge("deeptrain.sweep.level.trials", () => Levels<int>(level => level.Trained), "{trial}",
            "Trials of one level of one factor of an active sweep that completed, diverged or were stopped.");
        meter.CreateObservableGauge("deeptrain.sweep.level.objective", () => Levels(level => level.Objective), "{objective}",
            "The mean objective of a level's completed trials.");
        meter.CreateObservableGauge("deeptrain.sweep.level.diverged", () => Levels(level => level.Diverged), "1",
            "The share of a level's trials that diverged.");
        meter.CreateObservableGauge("deeptrain.sweep.level.unhealthy", () => Levels(level => level.Unhealthy), "1",
            "The share of a level's trials whose gradients were not healthy at the end.");

        // A sweep without a value has no series.
        IEnumerable<Measurement<T>> Gauge<T>(Func<ActiveSweep, T?> value)
            where T : struct => sweeps.All.Where(sweep => value(sweep) is not null).Select(sweep => new Measurement<T>(value(sweep)!.Value, Label(sweep)));

        IEnumerable<Measurement<T>> Levels<T>(Func<LevelResults, T?> value)
            where T : struct => from sweep in sweeps.All
                                from level in sweep.Levels
                                let number = value(level)
                                where number is not null
                                select new Measurement<T>(number.Value, Label(sweep), new("factor", level.Factor), new("level", level.Level));
    }

    public Meter Meter { get; }

    /// <summary>Exports every counter as 0 before anything is counted, so that a query for the increase includes the first count.</summary>
    public void BeginAtZero()
    {
        foreach (var counter in (Counter<long>[])[_steps, _samples, _epochs, _refused, _renewed, _lost, _storeErrors, _checkpointBytes, _checkpointErrors, _membershipErrors])
            counter.Add(0);
        foreach (var outcome in (Outcome[])[Outcome.Completed, Outcome.Diverged, Outcome.Stopped])
            _trials.Add(0, Of(outcome));
        foreach (var failureClass in FailureClass.OfWorkers)
            _trials.Add(0, Of(Outcome.Failed), Of(failureClass));
        foreach (var failureClass in FailureClass.OfWorkers.Where(FailureClass.IsRetried))
            _retried.Add(0, Of(failureClass));
    }

    /// <summary>A trial's outcome became durable.</summary>
    /// <param name="sinceLease">The time since the trial was leased.</param>
    public void TrialEnded(Ending ending, TimeSpan sinceLease)
    {
        if (ending.Failure is { } failure)
            _trials.Add(1, Of(ending.Outcome), Of(failure.Class));
        else
            _trials.Add(1, Of(ending.Outcome));
        _durations.Record(sinceLease.TotalSeconds, Of(ending.Outcome));
    }

    /// <summary>A trial's report became durable.</summary>
    public void EpochTrained(EpochReport report)
    {
        // The state before training is no epoch, nor is one that a failure interrupted.
        if (report.Epoch > 0 && report.Ending?.Failure is null)
            _epochs.Add(1);
        _steps.Add(report.Steps);
        _samples.Add(report.Samples);
    }

    /// <summary>A slot has started to train a cohort.</summary>
    public void CohortTaken(int trials) => _cohorts.Record(trials);

    public void LeaseRenewed() => _renewed.Add(1);

    public void LeaseLost() => _lost.Add(1);

    public void Queued(int reports) => Interlocked.Add(ref _queued, reports);

    public void Flushed(int reports, TimeSpan duration)
    {
        Interlocked.Add(ref _queued, -reports);
        _flushed.Record(reports);
        _flushes.Record(duration.TotalSeconds);
    }

    public void FlushFailed() => _storeErrors.Add(1);

    public void CheckpointWritten(long bytes, TimeSpan duration)
    {
        _checkpointBytes.Add(bytes);
        _checkpoints.Record(duration.TotalSeconds);
    }

    public void CheckpointFailed() => _checkpointErrors.Add(1);

    public void MembershipFailed() => _membershipErrors.Add(1);

    /// <summary>A trial failed for a reason that may be temporary.</summary>
    public void TrialRetried(string failureClass) => _retried.Add(1, Of(failureClass));

    public void WriteRefused() => _refused.Add(1);

    /// <param name="device">The kind of device of the slots, the same for the whole process.</param>
    public void SlotsChanged(int count, string device)
    {
        _device = device;
        Interlocked.Add(ref _slots, count);
    }

    /// <summary>This process may coordinate sweeps from now on.</summary>
    public void Coordinates() => _coordinates = true;

    public void BusyChanged(int count) => Interlocked.Add(ref _busy, count);

    /// <summary>A process without slots has no such series.</summary>
    private IEnumerable<Measurement<int>> OfDevice(int slots) => _device is { } device ? [new(slots, new KeyValuePair<string, object?>("device", device))] : [];

    private static KeyValuePair<string, object?> Of(Outcome outcome) => new("outcome", outcome.ToString().ToLowerInvariant());

    private static KeyValuePair<string, object?> Of(string failureClass) => new("class", failureClass);

    private static Measurement<int> Of(ActiveSweep sweep, Outcome outcome, int count) => new(count, Label(sweep), Of(outcome));

    private static KeyValuePair<string, object?> Label(ActiveSweep sweep) => new("sweep", sweep.Progress.SweepId);
}

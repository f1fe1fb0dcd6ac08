using System.Collections.Immutable;
using System.Globalization;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Grains.Sweeps;

/// <remarks>
/// The store decides; this grain calls it in the right order and caches the answers. The cache can be lost at any point: a new
/// activation opens the sweep under a higher fence and reads the state again.
/// </remarks>
[GrainType(SweepGrains.Type)]
internal sealed class SweepGrain(
    ISweepStore store, ISweepReader reader, LeaseTimes times, ActiveSweeps active, TimeProvider time, ILogger<SweepGrain> log)
    : Grain, ISweepGrain
{
    /// <summary>A cohort is never smaller than the best size divided by this, however few trials wait.</summary>
    private const int SmallestPart = 8;

    private static readonly LeaseReply NoWork = new([], [], KeepModels: false, Objective: null);

    /// <summary>
    /// Grants, releases and reports change the counts. Opening and recounting the sweep run exclusively, so that no older count
    /// overwrites theirs.
    /// </summary>
    private readonly Gate _gate = new();

    private Coordinated? _sweep;
    private long _reachedSince;
    private long? _reachedLast;

    private string Id => this.GetPrimaryKeyString();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        await OpenAsync();
        this.RegisterGrainTimer(
            _ => _sweep is { Status: SweepStatus.Running } ? RecountAsync() : Task.CompletedTask, times.Recount, times.Recount);
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        active.Remove(Id);
        return Task.CompletedTask;
    }

    public async Task<Submission> Submit(string text, bool asNew)
    {
        var proposed = await FormAsync(text);
        if (_sweep is null)
        {
            var number = int.Parse(Id.AsSpan(Id.LastIndexOf('-') + 1), CultureInfo.InvariantCulture);
            var created = await Reach(store.CreateAsync(Id, number, proposed));
            await OpenAsync(proposed);
            if (created)
                return new(Id, SubmissionKind.Created, proposed.TrialCount, 0, []);
        }
        // The number of a deleted sweep is not reused.
        if (_sweep is null || (asNew && _sweep.Sweep.Text != text))
            return new(Id, SubmissionKind.Taken, 0, 0, []);

        proposed = SweepFile.ReadAs(_sweep.Sweep, proposed);
        var change = SweepChange.Between(_sweep.Sweep, proposed);
        // All trials of a sweep are trained on the same kind of device.
        if (proposed.Device is { } wanted && _sweep.Pin is { } pin && wanted != pin)
            change = change with { Differences = change.Differences.Add($"device: {pin} -> {wanted}") };
        if (change.Differences.Length > 0)
            return new(Id, SubmissionKind.Refused, 0, 0, change.Differences);
        // Submitting a paused sweep again resumes it.
        await Resume();
        if (change.IsIdentical)
            return new(Id, _sweep.Status is SweepStatus.Running ? SubmissionKind.Resumed : SubmissionKind.Ended, 0, 0, []);

        await Reach(store.ExtendAsync(_sweep.Coordinator, proposed));
        await OpenAsync(proposed);
        return new(Id, SubmissionKind.Extended, change.AddedTrials, change.RemovedTrials, []);
    }

    public async Task<LeaseReply> Lease(LeaseRequest request)
    {
        var (reply, lost) = await _gate.PassAsync(() => GrantAsync(request));
        active.CountLost(lost);
        // Not awaited inside the grant: recounting waits for all running grants to end.
        if (lost.Count > 0)
        {
            log.LogWarning("{Count} trials of {Sweep} were taken from leases that were over: who held them was silent.", lost.Count, Id);
            await RecountAsync();
        }
        return reply;
    }

    /// <returns>The answer, and the trials that were taken from expired leases.</returns>
    private async Task<(LeaseReply Reply, LostTrials Lost)> GrantAsync(LeaseRequest request)
    {
        if (_sweep is not { Status: SweepStatus.Running } sweep)
        {
            await AnnounceAsync();
            return (NoWork, LostTrials.None);
        }
        var unsized = sweep.Shapes.Where(shape => !request.CohortSizes.ContainsKey(shape.Key)).ToList();
        if (unsized.Count > 0)
            return (NoWork with
            {
                Unsized = [.. unsized.Select(shape => shape.Value.Example.Json)], UnsizedKeys = [.. unsized.Select(shape => shape.Key)],
            }, LostTrials.None);

        // A dispatcher that was restarted knows fewer slots than those that train here.
        var slots = Math.Max(1, Math.Max(request.Slots, sweep.Heard.Count));
        var share = Math.Max(1, (sweep.Waiting + slots - 1) / slots);
        var limits = sweep.Shapes.ToImmutableDictionary(shape => shape.Key, shape =>
        {
            var size = Math.Max(1, request.CohortSizes[shape.Key]);
            // A cohort far below the best size takes about as long as a larger one, so a smaller share would not end sooner.
            var trials = Math.Min(size, Math.Max(share, (size + SmallestPart - 1) / SmallestPart));
            // Trials of one replicate share their mini-batches; other replicates join only if the cells leave most of the device idle.
            return new CohortLimit(trials, AcrossReplicates: shape.Value.Cells <= size / 2);
        });
        var released = sweep.Released;
        var takeExpired = IsReached(time.GetTimestamp()) && time.GetElapsedTime(_reachedSince) >= times.Lease;
        var granted = await Reach(store.GrantAsync(sweep.Coordinator, new(
            request.Lease, request.Slot.Silo, request.Slot.Number, request.Worker, limits, times.Lease, takeExpired)
        {
            MaxLeases = sweep.Sweep.MaxSlots,
            Device = sweep.Sweep.Device,
        }));
        var (trials, lost, heldBack) = granted;

        if (!granted.IsRepeated)
            sweep.SetWaiting(sweep.Waiting - trials.Length, sweep.Suspects);
        if (!trials.IsEmpty)
            sweep.Pin = request.Worker.Device;
        // Trials that were given back since the store looked wait again, and trials refused to this slot may be granted to another.
        if (!heldBack)
            sweep.Exhausted = trials.IsEmpty && sweep.Released == released;
        await AnnounceAsync();
        return (new(trials, [], sweep.Sweep.Keep is not Keep.None, sweep.Sweep.Objective.Metric) { HeldBack = heldBack }, lost);
    }

    public async Task<ImmutableDictionary<Guid, Wanted>> Renew(ImmutableArray<RenewedLease> leases)
    {
        if (_sweep is not { } sweep)
            return ImmutableDictionary<Guid, Wanted>.Empty;
        var good = await Reach(store.RenewAsync(sweep.Coordinator, [.. leases.Select(lease => lease.Lease)], times.Lease));
        var renewed = leases.Where(lease => good.Contains(lease.Lease)).ToList();
        foreach (var lease in renewed)
        {
            sweep.Heard[lease.Slot] = time.GetTimestamp();
            // The clocks of workers may differ from this one.
            if (lease.Quiet is { } quiet && time.GetUtcNow() - quiet is var epoch && epoch > sweep.LastEpoch)
                sweep.LastEpoch = epoch;
        }
        return renewed.ToImmutableDictionary(lease => lease.Lease, lease =>
            sweep.Status is SweepStatus.Paused || sweep.Yielding.Contains(lease.Slot) ? Wanted.Pause : Wanted.Train);
    }

    public Task Release(Guid lease, ImmutableArray<TrialId> trials) => _gate.PassAsync(async () =>
    {
        if (_sweep is not { } sweep)
            return;
        var released = await Reach(store.ReleaseAsync(sweep.Coordinator, lease, trials));
        sweep.SetWaiting(sweep.Waiting + released, sweep.Suspects);
        sweep.Released++;
        sweep.Exhausted = false;
        await AnnounceAsync();
    });

    public Task Report(ImmutableArray<TrialEnding> durable) => _gate.PassAsync(async () =>
    {
        if (_sweep is not { } sweep)
            return;
        foreach (var ending in await WithoutRetriedAsync(durable))
        {
            var objective = sweep.Sweep.Objective.Of(ending.Outcome, ending.TrainLoss, ending.ValidationLoss, ending.ValidationAccuracy);
            if (sweep.Tally.Record(ending.Trial, ending.Outcome, objective, ending.Ailments))
                sweep.LastResult = time.GetUtcNow();
        }
        sweep.LastEpoch = time.GetUtcNow();
        await FinishIfDoneAsync(sweep);
        await AnnounceAsync();
    });

    /// <summary>Leaves out failures whose trials wait again because they were retried while the report was on its way.</summary>
    private async Task<IEnumerable<TrialEnding>> WithoutRetriedAsync(ImmutableArray<TrialEnding> durable)
    {
        var failures = durable.Where(ending => ending.Outcome is Outcome.Failed).ToLookup(ending => ending.Trial);
        if (failures.Count == 0)
            return durable;
        var failed = await Reach(reader.ReadFailedAsync([.. failures.SelectMany(of => of.Select(ending => (of.Key, ending.Fence)))]));
        return durable.Where(ending => !failures.Contains(ending.Trial) || failed.Contains((ending.Trial, ending.Fence)));
    }

    public Task<bool> Pause() => ChangeAsync(SweepStatus.Running, store.PauseAsync);

    public Task<bool> Resume() => ChangeAsync(SweepStatus.Paused, store.ResumeAsync);

    public async Task<bool> Cancel()
    {
        if (_sweep is not { Status: SweepStatus.Running or SweepStatus.Paused } sweep)
            return false;
        await Reach(store.CancelAsync(sweep.Coordinator));
        await OpenAsync();
        return true;
    }

    public async Task<int> Retry()
    {
        if (_sweep is not { } sweep)
            return 0;
        var retried = await Reach(store.RetryAsync(sweep.Coordinator));
        await OpenAsync();
        return retried;
    }

    public async Task<bool> Delete()
    {
        if (_sweep is not { } sweep || !await Reach(store.DeleteAsync(sweep.Coordinator)))
            return false;
        _sweep = null;
        active.Remove(Id);
        await GrainFactory.Dispatcher().Announce(Id, Offer.Nothing);
        DeactivateOnIdle();
        return true;
    }

    public Task Recount() => RecountAsync();

    public Task RecountWaiting()
    {
        // Counted with the next touch, once for all that fail until then: a sweep whose trials all fail would otherwise do nothing else.
        if (_sweep is { } sweep)
            sweep.IsUncertain = true;
        return Task.CompletedTask;
    }

    public Task<SweepProgress?> GetProgress() => Task.FromResult(_sweep?.Progress(Id));

    public async Task Touch()
    {
        if (_sweep is not { } sweep)
            return;
        // Renews nothing, but shows whether the store answers and whether this is still the coordinator.
        await Reach(store.RenewAsync(sweep.Coordinator, [], times.Lease));
        if (sweep.IsUncertain)
            await RecountAsync();
        sweep.Exhausted = false;
        await FinishIfDoneAsync(sweep);
        // Leases may have expired, which only a request discovers.
        await AnnounceAsync(offerLeased: true);
        await ShareAsync(sweep);
    }

    private async Task<bool> ChangeAsync(SweepStatus from, Func<Coordinator, Task<bool>> change)
    {
        if (_sweep is not { } sweep || sweep.Status != from)
            return false;
        var changed = await Reach(change(sweep.Coordinator));
        await OpenAsync();
        return changed;
    }

    /// <summary>Asks the dispatcher which slots another sweep should have.</summary>
    private async Task ShareAsync(Coordinated sweep)
    {
        foreach (var (gone, _) in sweep.Heard.Where(slot => time.GetElapsedTime(slot.Value) > 2 * times.Renewal).ToList())
            sweep.Heard.Remove(gone);
        sweep.Yielding = await GrainFactory.Dispatcher().Share(Id, sweep.Sweep.Priority, sweep.Pin, [.. sweep.Heard.Keys]);
    }

    /// <param name="proposed">Reused if it equals what is stored: forming the cells of a large sweep takes seconds.</param>
    private Task OpenAsync(Sweep? proposed = null) => _gate.AloneAsync(async () =>
    {
        var began = time.GetTimestamp();
        using var span = SweepTraces.Begin("open", Id);
        if (await Reach(store.OpenAsync(Id)) is not { } opened)
            return;
        // For a large sweep both take seconds.
        var ended = Reach(reader.ReadEndedAsync(Id));
        var sweep = proposed?.Text == opened.Text ? proposed : await FormAsync(opened.Text);
        _sweep = new(opened.Coordinator, sweep, opened.Status)
        {
            Tally = new(sweep, await ended), Pace = new(time), Pin = opened.Device, Rebuilding = time.GetElapsedTime(began), LastResult = _sweep?.LastResult,
            LastEpoch = _sweep?.LastEpoch ?? time.GetUtcNow(),
        };
        active.Open();
        span?.SetTag("deeptrain.fence", opened.Coordinator.Fence);
        log.LogInformation("Sweep {Sweep} is opened under fence {Fence}: {Status}, {Ended} of {Total} trials have ended.",
            Id, opened.Coordinator.Fence, opened.Status, _sweep.Tally.Ended, sweep.TrialCount);
        await CountAsync(_sweep);
    });

    // The sweep may have been opened again while this call waited for its turn.
    private Task RecountAsync() => _gate.AloneAsync(() => _sweep is { } sweep ? CountAsync(sweep) : Task.CompletedTask);

    private async Task CountAsync(Coordinated sweep)
    {
        sweep.IsUncertain = false;
        var counts = await Reach(reader.CountAsync(Id));
        if (sweep.Tally.Ended != counts.Ended)
            sweep.Tally = new(sweep.Sweep, await Reach(reader.ReadEndedAsync(Id)));
        sweep.SetWaiting(counts.Waiting, counts.Suspects);
        sweep.Exhausted = false;
        await FinishIfDoneAsync(sweep);
        await AnnounceAsync();
    }

    private async Task FinishIfDoneAsync(Coordinated sweep)
    {
        if (sweep.Status is not (SweepStatus.Running or SweepStatus.Paused) || sweep.Tally.Ended < sweep.Sweep.TrialCount)
            return;
        sweep.Status = await Reach(store.FinishAsync(sweep.Coordinator));
        if (sweep.Status is SweepStatus.Finished or SweepStatus.Cancelled)
            log.LogInformation("Sweep {Sweep} has ended: {Status}.", Id, sweep.Status);
        else
            log.LogWarning("Sweep {Sweep} counted all its trials as ended, but its store does not.", Id);
    }

    /// <summary>Tells the dispatcher which trials wait, and the metrics the sweep's progress.</summary>
    /// <param name="offerLeased">Whether leased trials are offered too if no others wait.</param>
    private Task AnnounceAsync(bool offerLeased = false)
    {
        if (_sweep?.Progress(Id) is not { } progress)
            return Task.CompletedTask;
        if (progress.Status is SweepStatus.Running or SweepStatus.Paused)
            active.Set(new(progress, _sweep.Coordinator.Fence, _sweep.Rebuilding, _sweep.LastResult, _sweep.LastEpoch)
            {
                Device = _sweep.Device, Left = _sweep.Pace.Look(progress).Left, Levels = _sweep.Tally.Levels,
            });
        else
            active.Remove(Id);
        var waiting = progress.Waiting > 0 || !offerLeased ? progress.Waiting : progress.Running;
        if (progress.Status is not SweepStatus.Running || _sweep.Exhausted)
            waiting = 0;
        return GrainFactory.Dispatcher().Announce(Id, new(waiting, _sweep.Sweep.Priority, _sweep.Sweep.MaxSlots, _sweep.Device)
        {
            NeedsEmptySilo = waiting > 0 && waiting == _sweep.Suspects,
        });
    }

    /// <summary>Parses a file into a sweep with its cells. Many cells take seconds, during which the grain serves other calls.</summary>
    private Task<Sweep> FormAsync(string text) => _sweep?.Sweep is { } known && known.Text == text
        ? Task.FromResult(known)
        : Task.Run(() =>
        {
            var reading = SweepFile.Parse(text, "sweep file");
            return reading.Sweep ?? throw new ArgumentException(string.Join(Environment.NewLine, reading.Problems), nameof(text));
        });

    /// <summary>
    /// Whether the store has answered recently. After a longer silence of the store or of this process, the leases of workers may have
    /// expired only because their renewals are still queued.
    /// </summary>
    private bool IsReached(long now) => _reachedLast is { } last && time.GetElapsedTime(last, now) <= times.Silence;

    /// <summary>Tracks since when the store answers, and deactivates this grain once another coordinator has opened the sweep.</summary>
    private async Task<T> Reach<T>(Task<T> call)
    {
        try
        {
            var answer = await call;
            var now = time.GetTimestamp();
            if (!IsReached(now))
                _reachedSince = now;
            _reachedLast = now;
            return answer;
        }
        catch (CoordinatorReplacedException)
        {
            DeactivateOnIdle();
            throw;
        }
        catch
        {
            _reachedLast = null;
            // The failed call may have taken effect.
            if (_sweep is { } sweep)
                sweep.IsUncertain = true;
            throw;
        }
    }

    private async Task Reach(Task call)
    {
        await Reach(Answer());

        async Task<bool> Answer()
        {
            await call;
            return true;
        }
    }

    /// <summary>The state of a sweep under this coordinator.</summary>
    private sealed class Coordinated(Coordinator coordinator, Sweep sweep, SweepStatus status)
    {
        public Coordinator Coordinator => coordinator;

        public Sweep Sweep => sweep;

        public SweepStatus Status { get; set; } = status;

        public required SweepTally Tally { get; set; }

        /// <summary>The kind of device that the first lease went to; null: nothing was leased yet.</summary>
        public required string? Pin { get; set; }

        /// <summary>How fast the sweep progresses since it was opened.</summary>
        public required Pace Pace { get; init; }

        /// <summary>How long reading the results took.</summary>
        public required TimeSpan Rebuilding { get; init; }

        /// <summary>When the end of a trial was last reported; null: never since this process coordinates the sweep.</summary>
        public DateTimeOffset? LastResult { get; set; }

        /// <summary>When an epoch last became durable, as workers say with each renewal; initially when the sweep was opened.</summary>
        public required DateTimeOffset LastEpoch { get; set; }

        /// <summary>The kind of device that may train it; null: any.</summary>
        public string? Device => Pin ?? Sweep.Device;

        /// <summary>Waiting trials: the store's count, updated between two recounts. All others are running or have ended.</summary>
        public int Waiting { get; private set; }

        /// <summary>The waiting trials that only a silo without other trials may train. They come after all others.</summary>
        public int Suspects { get; private set; }

        /// <summary>A call to the store was not answered, or trials wait again after a failure: the counts may be wrong until the next touch.</summary>
        public bool IsUncertain { get; set; }

        /// <summary>The slots that train for the sweep, and when they last renewed.</summary>
        public Dictionary<SlotId, long> Heard { get; } = [];

        /// <summary>Slots that another sweep should have.</summary>
        public ImmutableHashSet<SlotId> Yielding { get; set; } = [];

        /// <summary>How often trials were given back.</summary>
        public int Released { get; set; }

        /// <summary>The last request that was not held back found no trial, and none was given back since.</summary>
        public bool Exhausted { get; set; }

        /// <summary>By fusion key: an example configuration, and how many cells share the key.</summary>
        public ImmutableDictionary<string, (Configuration Example, int Cells)> Shapes { get; } = sweep.Cells
            .GroupBy(cell => cell.Configuration.FusionKey)
            .ToImmutableDictionary(shape => shape.Key, shape => (shape.First().Configuration, shape.Count()));

        public void SetWaiting(int waiting, int suspects)
        {
            Waiting = Math.Clamp(waiting, 0, sweep.TrialCount);
            Suspects = Math.Min(suspects, Waiting);
        }

        public SweepProgress Progress(string id) => new(
            id, Status, sweep.TrialCount, Waiting, Math.Max(0, sweep.TrialCount - Waiting - Tally.Ended),
            Tally.Count(Outcome.Completed), Tally.Count(Outcome.Diverged), Tally.Count(Outcome.Stopped),
            Tally.Count(Outcome.Failed), Tally.Count(Outcome.Cancelled), Tally.Best);
    }
}

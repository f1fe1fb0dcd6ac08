using System.Collections.Immutable;
using CsCheck;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>Random interleavings of all that coordinators and workers do, against a model that fits on a page.</summary>
/// <param name="runs">Fewer where each call takes longer.</param>
public abstract class StoreModelTests(StoreKind kind, int runs) : StoreTests(kind)
{
    private const int Cells = 5;
    private const int Replicates = 2;
    private const int Slots = 3;

    /// <remarks>All runs share a database, each with a sweep of its own. A failure names its seed.</remarks>
    [Fact]
    public async Task AnyInterleaving_AgreesWithTheModel()
    {
        await using var fixture = await CreateAsync();
        var number = 0;
        await Steps.SampleAsync(steps => RunAsync(fixture, ++number, steps), iter: runs, threads: 1,
            writeLine: TestContext.Current.TestOutputHelper!.WriteLine);
    }

    private static async Task RunAsync(StoreFixture fixture, int number, Step[] steps)
    {
        var sweep = SweepOf(Cells);
        var id = $"digits-{number}";
        Assert.True(await fixture.Store.CreateAsync(id, number, sweep));
        var model = new Model(sweep, fixture, id, (await fixture.Store.OpenAsync(id))!.Coordinator);
        foreach (var step in steps)
            await model.TakeAsync(step);
        await model.CheckAsync();
        await model.DeleteAsync();
    }

    private static Sweep SweepOf(int cells) =>
        Sample.Sweep(Replicates, [.. Enumerable.Range(0, cells).Select(cell => (cell + 1.0, cell % 3 == 2 ? 64 : 32))]);

    /// <summary>What happens next; the numbers are drawn large and folded onto what there is.</summary>
    private sealed record Step(Act Act, int Which, int Size);

    private enum Act
    {
        Grant,
        GrantAgain,
        Renew,
        Wait,
        WriteEpoch,
        WriteEnding,
        WriteStale,
        Release,
        ReleaseOne,
        ReleaseSilo,
        ReleaseAll,
        Extend,
        OpenAnew,
        ActReplaced,
        Pause,
        Resume,
        Retry,
        Cancel,
        Finish,
        Restart,
    }

    private static readonly Gen<Act> Acts = Gen.Frequency(
        (8, Gen.Const(Act.Grant)), (2, Gen.Const(Act.GrantAgain)), (3, Gen.Const(Act.Renew)), (5, Gen.Const(Act.Wait)),
        (6, Gen.Const(Act.WriteEpoch)), (5, Gen.Const(Act.WriteEnding)), (4, Gen.Const(Act.WriteStale)), (2, Gen.Const(Act.Release)),
        (2, Gen.Const(Act.ReleaseOne)), (3, Gen.Const(Act.ReleaseSilo)), (1, Gen.Const(Act.ReleaseAll)), (2, Gen.Const(Act.Extend)), (1, Gen.Const(Act.OpenAnew)),
        (1, Gen.Const(Act.Pause)), (1, Gen.Const(Act.Resume)), (1, Gen.Const(Act.Retry)),
        (1, Gen.Const(Act.ActReplaced)), (1, Gen.Frequency((1, Gen.Const(Act.Cancel)), (9, Gen.Const(Act.Finish)))),
        (1, Gen.Const(Act.Restart)));

    private static readonly Gen<Step[]> Steps =
        Gen.Select(Acts, Gen.Int[0, 999], Gen.Int[1, 4], (act, which, size) => new Step(act, which, size)).Array[5, 60];

    private sealed class Trial(TrialId id, string fusionKey)
    {
        public TrialId Id { get; } = id;
        public string FusionKey { get; } = fusionKey;
        public bool IsActive { get; set; } = true;
        public long Fence { get; set; }
        public int Attempt { get; set; }
        public Guid? Lease { get; set; }
        public Outcome? Outcome { get; set; }
        public int EndedAt { get; set; }

        public int Tries { get; set; }
        public int Losses { get; set; }
        public int LossesAlone { get; set; }
        public int LossEpoch { get; set; }
        public DateTimeOffset RetryAt { get; set; }
        public bool IsSuspect => Losses >= 2;

        public (string Name, int Epoch)? Checkpoint { get; set; }

        /// <summary>The fence of each stored epoch.</summary>
        public SortedDictionary<int, long> Epochs { get; } = [];
    }

    private sealed class Model(Sweep sweep, StoreFixture fixture, string id, Coordinator opened)
    {
        private readonly Trial[] _trials =
        [
            .. Enumerable.Range(1, Replicates).SelectMany(replicate => sweep.Cells.Select(cell =>
                new Trial(new(id, cell.Id, replicate), cell.Configuration.FusionKey))),
        ];
        private readonly List<GrantRequest> _leases = [];
        private readonly Dictionary<Guid, DateTimeOffset> _expiry = [];
        private readonly List<FencedReport> _sent = [];
        private Coordinator _coordinator = opened;
        private Coordinator? _replaced;
        private SweepStatus _status = SweepStatus.Running;
        private string _text = sweep.Text;

        public async Task TakeAsync(Step step)
        {
            var store = fixture.Store;
            switch (step.Act)
            {
                case Act.Grant:
                    await GrantAsync(step);
                    break;
                case Act.GrantAgain when Pick(_leases, step) is { } request:
                    Assert.Equal(Held(request.Lease), (await store.GrantAsync(_coordinator, request)).Trials);
                    break;
                case Act.Renew:
                    var named = _leases.Where((_, at) => at % step.Size == 0).Select(lease => lease.Lease).ToArray();
                    var held = named.Where(lease => _trials.Any(trial => trial.Lease == lease)).ToImmutableHashSet();
                    Assert.Equivalent(held, await store.RenewAsync(_coordinator, named, Sample.LeaseTime), strict: true);
                    foreach (var lease in held)
                        _expiry[lease] = fixture.Now + Sample.LeaseTime;
                    break;
                case Act.Wait:
                    await fixture.PassAsync(Sample.LeaseTime * step.Size / 3);
                    break;
                case Act.WriteEpoch when Pick(Leased(), step) is { } trial:
                    var epoch = trial.Epochs.Keys.LastOrDefault() + step.Size - 2;
                    await WriteAsync(new FencedReport(Report(trial, epoch), trial.Fence)
                    {
                        Checkpoint = step.Which % 2 == 0 ? $"{trial.Lease}-{epoch}" : null,
                    });
                    break;
                case Act.WriteEnding when Pick(Leased(), step) is { } trial:
                    var outcome = (Outcome)(step.Size - 1);
                    var failure = outcome is Outcome.Failed
                        ? new Failure(step.Which % 3 == 0 ? FailureClass.CodeError : FailureClass.OutOfMemory, "it broke") { Log = "a\nb" }
                        : null;
                    await WriteAsync(new FencedReport(
                        Report(trial, trial.Epochs.Keys.LastOrDefault() + 1) with { Ending = new(outcome, Failure: failure) }, trial.Fence));
                    break;
                case Act.WriteStale when Pick(_sent, step) is { } sent:
                    // What was sent before, as it was or under other fences, several times in one batch.
                    await WriteAsync(sent, sent with { Fence = sent.Fence - 1 }, sent with { Fence = sent.Fence + 1 }, sent);
                    break;
                case Act.Release when Pick(_leases, step) is { } request:
                    Assert.Equal(Held(request.Lease).Count(),
                        await store.ReleaseAsync(_coordinator, request.Lease, [.. _trials.Select(trial => trial.Id)]));
                    LetGo(trial => trial.Lease == request.Lease);
                    break;
                case Act.ReleaseOne when Pick(_leases, step) is { } request:
                    var one = _trials[step.Which % _trials.Length];
                    await store.ReleaseAsync(_coordinator, request.Lease, [one.Id]);
                    LetGo(trial => trial == one && trial.Lease == request.Lease);
                    break;
                case Act.ReleaseSilo:
                    var ofSilo = _trials.Where(trial => _leases.Any(lease => lease.Lease == trial.Lease && lease.Silo == Silo(step))).ToList();
                    ofSilo.ForEach(Lose);
                    Assert.Equal(ofSilo.Count > 0 ? [id] : [], (await store.ReleaseSiloAsync(Silo(step))).Sweeps);
                    break;
                case Act.ReleaseAll:
                    var leased = Leased();
                    Array.ForEach(leased, Lose);
                    Assert.Equal(leased.Length > 0, (await store.ReleaseAllAsync()).Sweeps.Contains(id));
                    break;
                case Act.Extend:
                    var changed = SweepOf(step.Which % 2 == 0 ? Cells : Cells - step.Size);
                    await store.ExtendAsync(_coordinator, changed);
                    foreach (var trial in _trials)
                        trial.IsActive = changed.Cells.Any(cell => cell.Id == trial.Id.Cell);
                    _text = changed.Text;
                    if (_status != SweepStatus.Paused)
                        _status = SweepStatus.Running;
                    break;
                case Act.OpenAnew:
                    _replaced = _coordinator;
                    var current = (await store.OpenAsync(id))!;
                    _coordinator = current.Coordinator;
                    Assert.Equal((_replaced.Fence + 1, _status, _text), (_coordinator.Fence, current.Status, current.Text));
                    break;
                case Act.ActReplaced when _replaced is not null:
                    await Assert.ThrowsAsync<CoordinatorReplacedException>(() => store.GrantAsync(_replaced, Sample.Request(9)));
                    await Assert.ThrowsAsync<CoordinatorReplacedException>(() => store.CancelAsync(_replaced));
                    break;
                case Act.Pause:
                    Assert.Equal(_status == SweepStatus.Running, await store.PauseAsync(_coordinator));
                    _status = _status == SweepStatus.Running ? SweepStatus.Paused : _status;
                    break;
                case Act.Resume:
                    Assert.Equal(_status == SweepStatus.Paused, await store.ResumeAsync(_coordinator));
                    _status = _status == SweepStatus.Paused ? SweepStatus.Running : _status;
                    break;
                case Act.Retry:
                    var retried = Active().Where(trial => trial.Outcome is Outcome.Failed or Outcome.Cancelled).ToList();
                    foreach (var trial in retried)
                    {
                        (trial.Outcome, trial.EndedAt, trial.Fence, trial.Tries) = (null, 0, trial.Fence + 1, 0);
                        (trial.Losses, trial.LossesAlone, trial.LossEpoch, trial.RetryAt) = (0, 0, 0, default);
                    }
                    Assert.Equal(retried.Count, await store.RetryAsync(_coordinator));
                    _status = retried.Count > 0 && _status != SweepStatus.Paused ? SweepStatus.Running : _status;
                    break;
                case Act.Cancel:
                    await store.CancelAsync(_coordinator);
                    if (_status is SweepStatus.Running or SweepStatus.Paused)
                    {
                        _status = SweepStatus.Cancelled;
                        foreach (var trial in _trials.Where(trial => trial.Outcome is null))
                        {
                            (trial.Outcome, trial.EndedAt) = (Outcome.Cancelled, trial.Epochs.Keys.Count(epoch => epoch > 0));
                            (trial.Fence, trial.Lease, trial.Checkpoint) = (trial.Fence + 1, null, null);
                        }
                    }
                    break;
                case Act.Finish:
                    if (_status is SweepStatus.Running or SweepStatus.Paused && Active().All(trial => trial.Outcome is not null))
                        _status = Active().Any(trial => trial.Outcome is Outcome.Cancelled) ? SweepStatus.Cancelled : SweepStatus.Finished;
                    Assert.Equal(_status, await store.FinishAsync(_coordinator));
                    break;
                case Act.Restart:
                    await fixture.ReopenAsync();
                    break;
            }
            await CheckCountsAsync();
        }

        /// <summary>Everything that is stored, against everything that should be.</summary>
        public async Task CheckAsync()
        {
            var byCell = sweep.Cells.Select(cell => cell.Id).ToList();
            Assert.Equal(
                Active().Where(trial => trial.Outcome is not null)
                    .OrderBy(trial => byCell.IndexOf(trial.Id.Cell)).ThenBy(trial => trial.Id.Replicate)
                    .Select(trial => (trial.Id, trial.Outcome!.Value, trial.EndedAt, trial.Fence)),
                (await fixture.ResultsAsync(id)).Select(result => (result.Trial, result.Outcome, result.Epochs, result.Fence)));
            var epochs = await fixture.LinesAsync($"""
                SELECT c.id || '/r' || t.replicate || ':' || e.epoch || ':' || e.fence
                FROM epochs e JOIN trials t ON t.key = e.trial JOIN cells c ON c.key = t.cell
                JOIN sweeps s ON s.key = c.sweep WHERE s.id = '{id}'
                ORDER BY t.replicate, t.position, e.epoch
                """);
            Assert.Equal(
                string.Join('|', _trials.SelectMany(trial =>
                    trial.Epochs.Select(epoch => $"{trial.Id.Cell}/r{trial.Id.Replicate}:{epoch.Key}:{epoch.Value}"))),
                epochs);
            Assert.Equal(
                _trials.Select(trial => trial.Checkpoint?.Name).OfType<string>().Distinct().Order(),
                (await fixture.Store.Reader.ReadCheckpointsAsync()).Where(name => _leases.Any(lease => name.StartsWith($"{lease.Lease}", StringComparison.Ordinal)))
                    .Order());
        }

        private async Task GrantAsync(Step step)
        {
            // One slot in three takes only one of the two fusion keys.
            var limits = ImmutableDictionary<string, CohortLimit>.Empty.Add(Sample.FusionKey(64), new(step.Size, step.Which % 2 == 0));
            if (step.Which % 3 != 0)
                limits = limits.Add(Sample.FusionKey(32), new(step.Size, step.Which % 2 == 0));
            var request = Sample.Request(limits, silo: Silo(step), takeExpired: step.Which % 5 != 0) with
            {
                MaxLeases = step.Which % 7 == 0 ? 1 : null,
            };
            var now = fixture.Now;
            var lost = request.TakeExpired ? Leased().Where(trial => _expiry[trial.Lease!.Value] <= now).ToList() : [];
            lost.ForEach(Lose);
            var held = Leased().Where(trial => _expiry[trial.Lease!.Value] > now
                && _leases.Single(lease => lease.Lease == trial.Lease).Silo == request.Silo).ToList();
            var free = Active().Where(trial => trial.Outcome is null && trial.Lease is null && trial.RetryAt <= now
                && limits.ContainsKey(trial.FusionKey)).ToList();
            if (held.Any(trial => trial.IsSuspect)
                || (request.MaxLeases is { } most && Leased().Select(trial => trial.Lease).Distinct().Count() >= most))
                free.Clear();
            var head = free.FirstOrDefault(trial => !trial.IsSuspect);
            var granted = head is null
                ? free.Where(_ => held.Count == 0).Take(1).ToList()
                : [.. free.Where(trial => !trial.IsSuspect && trial.FusionKey == head.FusionKey
                    && (limits[head.FusionKey].AcrossReplicates || trial.Id.Replicate == head.Id.Replicate)
                    && trial.Checkpoint?.Name == head.Checkpoint?.Name).Take(step.Size)];
            foreach (var trial in granted)
                (trial.Lease, trial.Fence, trial.Attempt) = (request.Lease, trial.Fence + 1, trial.Attempt + 1);
            if (granted.Count > 0)
            {
                _leases.Add(request);
                _expiry[request.Lease] = now + Sample.LeaseTime;
            }
            var answer = await fixture.Store.GrantAsync(_coordinator, request);
            Assert.Equal(Held(request.Lease), answer.Trials);
            Assert.Equal(lost.Count, answer.Lost.Count);
        }

        /// <summary>Makes the sweep a tombstone, and takes that away in small parts.</summary>
        public async Task DeleteAsync()
        {
            Assert.True(await fixture.Store.DeleteAsync(_coordinator));
            await Assert.ThrowsAsync<CoordinatorReplacedException>(() => fixture.Store.GrantAsync(_coordinator, Sample.Request(9)));
            Assert.DoesNotContain(WriteVerdict.Accepted, await fixture.Store.WriteAsync(_sent));
            Assert.Null(await fixture.Store.Reader.FindAsync(id, CancellationToken.None));
            Assert.Null(await fixture.Store.OpenAsync(id));
            Assert.Contains(id, await fixture.Store.Reader.TombstonesAsync());
            var files = new List<string>();
            RemovedChunk removed;
            do
            {
                removed = await fixture.Store.RemoveAsync(id, 3);
                files.AddRange(removed.Checkpoints);
            }
            while (removed.More);
            Assert.Equal(_trials.Select(trial => trial.Checkpoint?.Name).OfType<string>().Distinct().Order(), files.Order());
            Assert.DoesNotContain(id, await fixture.Store.Reader.TombstonesAsync());
            Assert.Equal(0L, await fixture.QueryAsync<long>($"""
                SELECT (SELECT COUNT(*) FROM trials t WHERE t.sweep = s.key) + (SELECT COUNT(*) FROM cells c WHERE c.sweep = s.key)
                    + (SELECT COUNT(*) FROM leases l WHERE l.sweep = s.key) FROM sweeps s WHERE id = '{id}'
                """));
            Assert.False(await fixture.Store.CreateAsync(id, 1, sweep));
        }

        private async Task WriteAsync(params FencedReport[] reports)
        {
            _sent.AddRange(reports);
            Assert.Equal(reports.Select(Judge), await fixture.Store.WriteAsync(reports));
        }

        private WriteVerdict Judge(FencedReport fenced)
        {
            var (report, fence) = fenced;
            var trial = _trials.Single(trial => trial.Id == report.Trial);
            var stored = trial.Epochs.TryGetValue(report.Epoch, out var by) && by == fence;
            var current = trial.Fence == fence && trial.Outcome is null;
            var checkpoint = fenced.Checkpoint is { } name ? (name, report.Epoch) : trial.Checkpoint;
            if (report.Ending is null
                ? stored
                : trial.Outcome == report.Ending.Outcome && trial.Fence == fence && trial.EndedAt == report.Epoch)
            {
                if (trial.Fence != fence && fenced.Checkpoint is { } stale && stale != trial.Checkpoint?.Name)
                    return WriteVerdict.Refused;
                if (current)
                    trial.Checkpoint = checkpoint;
                return WriteVerdict.AlreadyAccepted;
            }
            if (!current)
                return WriteVerdict.Refused;
            if (report.Ending?.Failure is { } failure && FailureClass.IsRetried(failure.Class) && trial.Tries + 1 < sweep.MaxAttempts)
            {
                trial.RetryAt = fixture.Now + TimeSpan.FromSeconds(5 << trial.Tries);
                (trial.Tries, trial.Fence, trial.Lease) = (trial.Tries + 1, trial.Fence + 1, null);
                return WriteVerdict.WillRetry;
            }
            var saysEpoch = report is not ({ Epoch: 0, Ending: not null } or { Ending.Failure: not null });
            if (report.Epoch < 0)
                return WriteVerdict.Invalid;
            if (trial.Epochs.Count > 0 && trial.Epochs.Values.Last() != fence)
            {
                var from = saysEpoch ? report.Epoch : report.Epoch + 1;
                foreach (var epoch in trial.Epochs.Where(epoch => epoch.Key >= from && epoch.Value != fence).ToArray())
                    trial.Epochs.Remove(epoch.Key);
                if (trial.Checkpoint?.Epoch >= from)
                    (trial.Checkpoint, checkpoint) = (null, fenced.Checkpoint is null ? null : checkpoint);
            }
            if (saysEpoch)
                trial.Epochs[report.Epoch] = fence;
            trial.Checkpoint = checkpoint;
            if (report.Ending is { } ending)
                (trial.Outcome, trial.EndedAt, trial.Lease, trial.Checkpoint) = (ending.Outcome, report.Epoch, null, null);
            Assert.True(trial.Checkpoint is not { } kept || trial.Epochs.ContainsKey(kept.Epoch));
            return WriteVerdict.Accepted;
        }

        /// <summary>No trial is lost: each waits, is leased, or has its outcome.</summary>
        private async Task CheckCountsAsync()
        {
            var overview = await fixture.OverviewAsync(id);
            Assert.Equal(Active().Length, overview.Total);
            Assert.Equal((_status, Active().Count(trial => trial.Outcome is null && trial.Lease is null), Active().Count(trial => trial.Lease is not null)),
                (overview.Status, overview.Waiting, overview.Leased));
            Assert.Equal(
                Active().Count(trial => trial.Outcome is null && trial.Lease is null && trial.IsSuspect), (await fixture.Store.Reader.CountAsync(id)).Suspects);
            Assert.Equal(
                Active().Where(trial => trial.Outcome is not null).CountBy(trial => trial.Outcome!.Value)
                    .Select(count => (count.Key, count.Value)).Order(),
                overview.ByOutcome.Select(count => (count.Key, count.Value)).Order());
        }

        private IEnumerable<LeasedTrial> Held(Guid lease) => _trials.Where(trial => trial.Lease == lease).Select(trial =>
            new LeasedTrial(trial.Id, trial.Fence, trial.Attempt, sweep.Cells.Single(cell => cell.Id == trial.Id.Cell).Configuration.Json,
                trial.Checkpoint?.Name, trial.Checkpoint?.Epoch ?? 0));

        private Trial[] Active() => [.. _trials.Where(trial => trial.IsActive)];

        private Trial[] Leased() => [.. _trials.Where(trial => trial.Lease is not null)];

        private void Lose(Trial trial)
        {
            var reached = trial.Epochs.Keys.LastOrDefault();
            (trial.Losses, trial.LossesAlone) = reached > trial.LossEpoch ? (1, 0)
                : trial.IsSuspect ? (trial.Losses, trial.LossesAlone + 1)
                : (trial.Losses + 1, 0);
            (trial.LossEpoch, trial.Lease) = (Math.Max(trial.LossEpoch, reached), null);
            if (trial.LossesAlone < 2)
                return;
            (trial.Outcome, trial.EndedAt) = (Outcome.Failed, trial.Epochs.Keys.Count(epoch => epoch > 0));
            (trial.Fence, trial.Checkpoint) = (trial.Fence + 1, null);
        }

        private void LetGo(Func<Trial, bool> which)
        {
            foreach (var trial in _trials.Where(which))
                trial.Lease = null;
        }

        /// <summary>Of this run only: what a silo holds for other sweeps matters.</summary>
        private string Silo(Step step) => $"{id}-silo-{step.Which % Slots}";

        private static EpochReport Report(Trial trial, int epoch) => new(trial.Id, epoch, 0.5, 0.5, 0.5, 40, 0.5, null);

        private static T? Pick<T>(IReadOnlyList<T> all, Step step) where T : class => all.Count == 0 ? null : all[step.Which % all.Count];
    }
}

public sealed class StoreModelTestsOnSqlite() : StoreModelTests(StoreKind.Sqlite, runs: 100);

public sealed class StoreModelTestsOnPostgres() : StoreModelTests(StoreKind.Postgres, runs: 30);

using System.Diagnostics;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>
/// A sweep on four silos, one of which is struck every ten seconds: killed, frozen until its leases ran out, or asked to end. At least two
/// stay active, at most one is frozen; whoever has ended is started again.
/// </summary>
internal sealed class ChaosRun(TestCluster cluster, int seed)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan BetweenFaults = TimeSpan.FromSeconds(10);

    /// <summary>Then the sweep may end in peace, so that a run ends at all.</summary>
    private const int MostFaults = 16;

    /// <summary>So many are left after every strike.</summary>
    private const int AlwaysActive = 2;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(12);

    /// <summary>How long one that was woken may still find out that the others have given it up.</summary>
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(30);

    private readonly Random _random = new(seed);

    /// <summary>Where it is short, a frozen worker's leases run out before the others give it up, and it is refused; by default they do first.</summary>
    private readonly TimeSpan _lease = TimeSpan.FromSeconds(seed % 2 == 0 ? 12 : 30);
    private readonly Dictionary<Fault, int> _faults = Enum.GetValues<Fault>().ToDictionary(fault => fault, _ => 0);
    private readonly List<string> _events = [];
    private readonly Dictionary<SiloProcess, Fault> _struck = [];
    private readonly Dictionary<SiloProcess, (TimeSpan At, TimeSpan Until)> _frozen = [];
    private readonly Dictionary<SiloProcess, TimeSpan> _woken = [];
    private readonly Dictionary<(SiloProcess Silo, int Start), double> _refused = [];
    private readonly Dictionary<string, long> _accepted = [];
    private readonly HashSet<string> _acceptedAgain = [];
    private readonly List<Fault> _bag = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _longestPause;
    private int _fewestActive = int.MaxValue;
    private int _onCoordinator;
    private int _selfEnded;
    private int _unexpected;

    public async Task<ChaosReport> RunAsync(QuietRun quiet)
    {
        cluster.Settings["DEEPTRAIN_LEASE_SECONDS"] = $"{_lease.TotalSeconds}";
        cluster.Settings["DEEPTRAIN_CHECKPOINT_SECONDS"] = "3";
        await cluster.AddAsync(new("both"), new("both"), new("worker"), new("worker"));
        var sweep = await cluster.SubmitAsync(quiet.Sweep);
        await cluster.Until(() => cluster.Store.OpenLeases(sweep).Count > 0, "the first lease");

        _clock.Restart();
        await StrikeUntilFinishedAsync(sweep);
        var seconds = _clock.Elapsed.TotalSeconds;

        var trials = cluster.Store.Trials(sweep);
        return new(
            seed, Round(_lease.TotalSeconds), _faults, _fewestActive, _onCoordinator, trials.Count, trials.Sum(trial => trial.Resumes), cluster.Store.Leases(sweep),
            _refused.Values.Sum(), _selfEnded, _unexpected, Round(_longestPause.TotalSeconds), Round(seconds), Round(quiet.Seconds),
            Judge(trials, quiet), _events);
    }

    private static double Round(double seconds) => Math.Round(seconds, 1);

    private async Task StrikeUntilFinishedAsync(string sweep)
    {
        using var timer = new PeriodicTimer(Tick);
        var lastFault = TimeSpan.Zero;
        var lastLook = TimeSpan.Zero;
        var lastProgress = (At: TimeSpan.Zero, Rows: (0, 0));
        do
        {
            _fewestActive = Math.Min(_fewestActive, Active().Count);
            Supervise();
            Wake(sweep);
            if (_clock.Elapsed - lastLook >= TimeSpan.FromSeconds(1))
            {
                lastLook = _clock.Elapsed;
                await CountRefusalsAsync();
                var rows = cluster.Store.Progress(sweep);
                if (rows != lastProgress.Rows)
                {
                    _longestPause = TimeSpan.FromTicks(Math.Max(_longestPause.Ticks, (lastLook - lastProgress.At).Ticks));
                    lastProgress = (lastLook, rows);
                }
                CheckAccepted(sweep);
                if (cluster.Store.Status(sweep) == "Finished")
                    return;
            }
            if (_faults.Values.Sum() < MostFaults && _clock.Elapsed - lastFault >= BetweenFaults && await StrikeAsync(sweep))
                lastFault = _clock.Elapsed;
            Assert.True(_clock.Elapsed < Patience,
                $"Seed {seed}: {sweep} has not finished after {Patience}: {cluster.Store.Progress(sweep)}.{Environment.NewLine}" +
                $"{string.Join(Environment.NewLine, _events)}{Environment.NewLine}{cluster.Explain()}");
        }
        while (await timer.WaitForNextTickAsync());
    }

    /// <summary>The silos that run, and of which nothing is known that could end them.</summary>
    private List<SiloProcess> Active() => [.. cluster.Silos.Where(silo => silo.IsActive && !_struck.ContainsKey(silo))];

    /// <summary>Starts another in the place of whoever has ended.</summary>
    private void Supervise()
    {
        foreach (var silo in cluster.Silos.Where(silo => silo.HasExited))
        {
            if (!_struck.Remove(silo, out var fault))
            {
                _unexpected++;
                Tell($"{silo.Name} ended by itself, with {silo.Process.ExitCode}: {LastLine(silo)}");
            }
            else if (fault is Fault.Freeze)
            {
                _selfEnded++;
                Tell($"{silo.Name} ended itself after it was woken");
            }
            else
            {
                Tell($"{silo.Name} has ended with {silo.Process.ExitCode}");
            }
            _woken.Remove(silo);
            silo.Start();
        }
        foreach (var silo in _woken.Where(woken => _clock.Elapsed - woken.Value > Doubt).Select(woken => woken.Key).ToList())
        {
            _woken.Remove(silo);
            _struck.Remove(silo);
        }
    }

    /// <summary>Wakes whoever is frozen once the store says that its leases ran out, and its time is over.</summary>
    private void Wake(string sweep)
    {
        foreach (var (silo, (at, until)) in _frozen.Where(frozen => _clock.Elapsed >= frozen.Value.Until).ToList())
        {
            var now = cluster.Store.Now();
            if (cluster.Store.OpenLeases(sweep).Any(lease => silo.IsNamedBy(lease.Silo) && lease.Expires > now))
                continue;
            _frozen.Remove(silo);
            silo.Thaw();
            _woken[silo] = _clock.Elapsed;
            Tell($"{silo.Name} is woken after {Round((_clock.Elapsed - at).TotalSeconds)} s");
        }
    }

    /// <returns>False: nobody may be struck now.</returns>
    private async Task<bool> StrikeAsync(string sweep)
    {
        var active = Active();
        if (active.Count <= AlwaysActive)
            return false;
        var coordinator = await TestCluster.CoordinatorAmongAsync(active);
        var leases = cluster.Store.OpenLeases(sweep).Where(lease => active.Exists(silo => silo.Holds(lease))).ToList();
        if (leases.Count == 0)
            return false;
        var victim = coordinator is not null && _random.Next(3) == 0 ? coordinator : active[_random.Next(active.Count)];
        var fault = NextFault();
        _faults[fault]++;
        _struck[victim] = fault;
        if (victim == coordinator)
            _onCoordinator++;
        Tell($"{fault} {victim.Name}{(victim == coordinator ? ", the coordinator" : "")}, " +
            $"with {leases.Where(victim.Holds).Sum(lease => lease.Trials)} of {leases.Sum(lease => lease.Trials)} trials in training");
        switch (fault)
        {
            case Fault.Kill:
                victim.Kill();
                break;
            case Fault.Freeze:
                victim.Freeze();
                _frozen[victim] = (_clock.Elapsed, _clock.Elapsed + _lease + TimeSpan.FromSeconds(_random.Next(10)));
                break;
            case Fault.Terminate:
                victim.Terminate();
                break;
        }
        return true;
    }

    /// <summary>
    /// Each kind as often as the others, in an order of the seed; one that is not possible now comes later. Whoever stands still, or was
    /// just woken, takes another's place for a minute: one at a time, or there would be nobody left to strike.
    /// </summary>
    private Fault NextFault()
    {
        var mayFreeze = _frozen.Count == 0 && _woken.Count == 0;
        if (!_bag.Exists(IsPossible))
        {
            var kinds = Enum.GetValues<Fault>();
            _random.Shuffle(kinds);
            _bag.AddRange(kinds);
        }
        var index = _bag.FindIndex(IsPossible);
        var fault = _bag[index];
        _bag.RemoveAt(index);
        return fault;

        bool IsPossible(Fault fault) => fault is not Fault.Freeze || mayFreeze;
    }

    private async Task CountRefusalsAsync()
    {
        var silos = cluster.Silos.Where(silo => silo.IsActive).ToList();
        var counts = await Task.WhenAll(silos.Select(silo => silo.MetricAsync("deeptrain_writes_refused")));
        foreach (var (silo, count) in silos.Zip(counts))
            if (count is { } refused)
                _refused[(silo, silo.Starts)] = refused;
    }

    /// <summary>A result that was accepted once is the result: nobody writes it again.</summary>
    private void CheckAccepted(string sweep)
    {
        foreach (var (trial, fence) in cluster.Store.AcceptedUnder(sweep))
        {
            if (_accepted.TryAdd(trial, fence) || _accepted[trial] == fence)
                continue;
            _accepted[trial] = fence;
            _acceptedAgain.Add(trial);
        }
    }

    private string Judge(IReadOnlyList<StoredTrial> trials, QuietRun quiet)
    {
        if (_acceptedAgain.Count > 0)
            return $"results accepted more than once: {string.Join(", ", _acceptedAgain)}";
        if (trials.Count != quiet.Results.Count)
            return $"{trials.Count} trials, not {quiet.Results.Count}";
        var others = trials.Zip(quiet.Results).Where(pair => !pair.First.Result.Equals(pair.Second)).Select(pair => pair.First.Id).ToList();
        return others.Count == 0 ? "equal bit for bit" : $"other results than the quiet run: {string.Join(", ", others)}";
    }

    private static string LastLine(SiloProcess silo) =>
        silo.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "";

    private void Tell(string what) => _events.Add(FormattableString.Invariant($"{_clock.Elapsed.TotalSeconds,6:F1} s  {what}"));
}

using System.Globalization;
using CsCheck;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>What holds whatever workers and coordinators do, in whatever order, and however late their reports come.</summary>
public sealed class LeasePropertyTests
{
    private const int Runs = 60;
    private static readonly Sweep Sweep = Sample.Sweep(replicates: 2, cells: 3);

    private enum Act
    {
        Grant,
        Renew,
        Release,
        ReportEpoch,
        ReportEnding,
        Expire,
        LoseSilo,
        Retry,
        Cancel,
    }

    private static readonly Gen<(Act Act, int Which)[]> Steps = Gen.Select(
        Gen.Frequency(
            (8, Gen.Const(Act.Grant)), (2, Gen.Const(Act.Renew)), (2, Gen.Const(Act.Release)), (3, Gen.Const(Act.ReportEpoch)),
            (8, Gen.Const(Act.ReportEnding)), (3, Gen.Const(Act.Expire)), (1, Gen.Const(Act.LoseSilo)), (2, Gen.Const(Act.Retry)),
            (1, Gen.Frequency((1, Gen.Const(Act.Cancel)), (4, Gen.Const(Act.Grant))))),
        Gen.Int[0, 999]).Array[10, 50];

    /// <remarks>A failure names its seed.</remarks>
    [Fact]
    public async Task AnyInterleaving_TrialsHaveOneAcceptedResultAndRisingFences()
    {
        await using var fixture = await StoreFixture.CreateAsync();
        var number = 0;
        await Steps.SampleAsync(steps => RunAsync(fixture, ++number, steps), iter: Runs, threads: 1,
            writeLine: TestContext.Current.TestOutputHelper!.WriteLine);
    }

    private static async Task RunAsync(SqliteFixture fixture, int number, (Act Act, int Which)[] steps)
    {
        var (store, id) = (fixture.Store, $"digits-{number}");
        Assert.True(await store.CreateAsync(id, number, Sweep));
        var coordinator = (await store.OpenAsync(id))!.Coordinator;
        var granted = new List<(LeasedTrial Trial, GrantRequest Request)>();
        var fences = new Dictionary<TrialId, long>();
        var accepted = new Dictionary<TrialId, FencedReport>();
        var sent = new List<FencedReport>();

        foreach (var (act, which) in steps)
        {
            var silo = $"{id}-silo-{which % 2}";
            (LeasedTrial Trial, GrantRequest Request)? any = granted.Count > 0 ? granted[which % granted.Count] : null;
            switch (act)
            {
                case Act.Grant:
                    var asked = Sample.Request(trials: 1 + which % 3, acrossReplicates: true, silo: silo);
                    foreach (var trial in (await store.GrantAsync(coordinator, asked)).Trials)
                    {
                        Assert.False(accepted.ContainsKey(trial.Trial), $"{trial.Trial} is leased, and has its result.");
                        Assert.All(granted.Where(before => before.Trial.Trial == trial.Trial), before => Assert.True(trial.Fence > before.Trial.Fence));
                        granted.Add((trial, asked));
                    }
                    break;
                case Act.Renew when any is var (_, request):
                    await store.RenewAsync(coordinator, [request.Lease], Sample.LeaseTime);
                    break;
                case Act.Release when any is var (held, request):
                    await store.ReleaseAsync(coordinator, request.Lease, [held.Trial]);
                    break;
                // Of any lease that there ever was: most are late.
                case Act.ReportEpoch when any is var (held, _):
                    await WriteAsync(Sample.Epoch(held, 1 + which % 3));
                    break;
                case Act.ReportEnding when any is var (held, _):
                    await WriteAsync(Sample.Epoch(held, 1 + which % 3, (which % 5) switch
                    {
                        0 => new(Outcome.Failed, Failure: new(FailureClass.CodeError, "it broke")),
                        1 => new(Outcome.Failed, Failure: new(FailureClass.OutOfMemory, "it broke")),
                        2 => new(Outcome.Diverged),
                        _ => new(Outcome.Completed, 0.25, 0.875),
                    }));
                    break;
                case Act.Expire:
                    await fixture.PassAsync(Sample.LeaseTime * (1 + which % 2));
                    break;
                case Act.LoseSilo:
                    await store.ReleaseSiloAsync(silo);
                    break;
                case Act.Retry:
                    await store.RetryAsync(coordinator);
                    foreach (var (trial, _) in accepted.Where(report => report.Value.Report.Ending!.Outcome is Outcome.Failed).ToList())
                        accepted.Remove(trial);
                    break;
                case Act.Cancel:
                    await store.CancelAsync(coordinator);
                    break;
            }
            await CheckFencesAsync();
        }

        foreach (var late in sent)
            Assert.NotEqual(WriteVerdict.Accepted, Assert.Single(await store.WriteAsync([late])));
        var results = await fixture.ResultsAsync(id);
        Assert.Equal(results.Length, results.Select(result => result.Trial).Distinct().Count());
        // Others were ended by the store itself: as cancelled, or because their workers died of them.
        Assert.Equal(
            accepted.Select(report => (report.Key, report.Value.Report.Ending!.Outcome, report.Value.Fence)).ToHashSet(),
            [.. from result in results
                where result.Outcome is not Outcome.Cancelled && result.Failure?.Class != FailureClass.WorkerKiller
                select (result.Trial, result.Outcome, result.Fence)]);

        async Task WriteAsync(FencedReport report)
        {
            var verdict = Assert.Single(await store.WriteAsync([report]));
            if (report.Report.Ending is null)
                return;
            sent.Add(report);
            if (verdict is WriteVerdict.Accepted)
                Assert.True(accepted.TryAdd(report.Report.Trial, report), $"Two results of {report.Report.Trial} were accepted.");
        }

        async Task CheckFencesAsync()
        {
            foreach (var row in (await fixture.LinesAsync($"""
                SELECT c.id || ' ' || t.replicate || ' ' || t.fence FROM trials t JOIN cells c ON c.key = t.cell JOIN sweeps s ON s.key = c.sweep
                WHERE s.id = '{id}'
                """)).Split('|').Select(line => line.Split(' ')))
            {
                var trial = new TrialId(id, row[0], int.Parse(row[1], CultureInfo.InvariantCulture));
                var fence = long.Parse(row[2], CultureInfo.InvariantCulture);
                Assert.True(fence >= fences.GetValueOrDefault(trial), $"The fence of {trial} fell from {fences.GetValueOrDefault(trial)} to {fence}.");
                fences[trial] = fence;
            }
        }
    }
}

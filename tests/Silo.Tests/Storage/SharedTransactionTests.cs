using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Silo.Storage.Sqlite;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>Calls that wait for the store's one thread share a transaction, and must not notice it.</summary>
public sealed class SharedTransactionTests
{
    [Fact]
    public async Task TransactAsync_CallsWaited_OneTransactionMakesAllDurable()
    {
        var (fixture, _) = await StoreFixture.CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        var reader = new SqliteSweepReader(fixture.Path);
        var resume = await HoldAsync(fixture.Writer);

        var first = fixture.Writer.TransactAsync(session => session.Execute(new("UPDATE trials SET active = 0 WHERE position = 0")));
        var second = fixture.Writer.TransactAsync(session =>
            (Own: session.First(new("SELECT SUM(active) FROM trials"), row => row.GetInt32(0))!.Value,
             Others: reader.FindAsync(Sample.SweepId, CancellationToken.None).Result!.Total));
        resume();

        Assert.Equal(1, await first);
        Assert.Equal((2, 3), await second);
        Assert.Equal(2, (await fixture.OverviewAsync()).Total);
    }

    [Fact]
    public async Task TransactAsync_AnotherFails_IsStoredAllTheSame()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 4));
        await using var owned = fixture;
        var resume = await HoldAsync(fixture.Writer);

        var before = fixture.Store.GrantAsync(coordinator, Sample.Request(1));
        var replaced = fixture.Store.GrantAsync(coordinator with { Fence = coordinator.Fence - 1 }, Sample.Request(1));
        var after = fixture.Store.GrantAsync(coordinator, Sample.Request(1));
        resume();

        await Assert.ThrowsAsync<CoordinatorReplacedException>(() => replaced);
        var granted = Assert.Single((await before).Trials);
        Assert.NotEqual(granted.Trial, Assert.Single((await after).Trials).Trial);
        // Granted once, though the first run of it was undone.
        Assert.Equal((1, 1), (granted.Fence, granted.Attempt));
        Assert.Equal((2, 2), ((await fixture.OverviewAsync()).Waiting, (await fixture.OverviewAsync()).Leased));
    }

    [Fact]
    public async Task WriteAsync_ImpossibleReportBesideOthers_HarmsNone()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 4));
        await using var owned = fixture;
        var leased = (await fixture.Store.GrantAsync(coordinator, Sample.Request(3))).Trials;
        var resume = await HoldAsync(fixture.Writer);

        var grant = fixture.Store.GrantAsync(coordinator, Sample.Request(1));
        var write = fixture.Store.WriteAsync(
            [Sample.Completion(leased[0], 1), Sample.Epoch(leased[1], -1), Sample.Completion(leased[2], 1)]);
        var single = fixture.Store.WriteAsync([Sample.Epoch(leased[1], -1)]);
        resume();

        Assert.Single((await grant).Trials);
        Assert.Equal([WriteVerdict.Accepted, WriteVerdict.Invalid, WriteVerdict.Accepted], await write);
        Assert.Equal([WriteVerdict.Invalid], await single);
        Assert.Equal(2, (await fixture.OverviewAsync()).ByOutcome[Outcome.Completed]);
    }

    [Fact]
    public async Task WriteAsync_DiskFullForAnother_IsStoredAllTheSame()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 2));
        await using var owned = fixture;
        var leased = (await fixture.Store.GrantAsync(coordinator, Sample.Request(2))).Trials;
        await fixture.ExecuteAsync($"PRAGMA max_page_count = {await fixture.QueryAsync<long>("PRAGMA page_count") + 10}");
        var resume = await HoldAsync(fixture.Writer);

        var small = fixture.Store.WriteAsync([Sample.Completion(leased[0], 1)]);
        var large = fixture.Store.WriteAsync(
            [Sample.Epoch(leased[1], 1, new(Outcome.Failed, Failure: new("code-error", new string('x', 1_000_000))))]);
        resume();

        Assert.Equal([WriteVerdict.Accepted], await small);
        Assert.Contains("the disk is full", (await Assert.ThrowsAsync<StoreException>(() => large)).Message, StringComparison.Ordinal);
        Assert.Equal(1, (await fixture.OverviewAsync()).Leased);
    }

    [Fact]
    public async Task TransactAsync_CallsWaited_RunInTheOrderOfWhatTheyLock()
    {
        await using var fixture = await StoreFixture.CreateAsync();
        var resume = await HoldAsync(fixture.Writer);
        var ran = new List<string>();

        var calls = ((string[])["b 1", "a 1", "b 2", "a 2"]).Select(call => fixture.Writer.TransactAsync(
            _ =>
            {
                ran.Add(call);
                return true;
            }, place: call[..1])).ToList();
        resume();
        await Task.WhenAll(calls);

        Assert.Equal(["a 1", "a 2", "b 1", "b 2"], ran);
    }

    [Fact]
    public async Task CallsThatTakeLong_Waited_ShareNoTransaction()
    {
        var (fixture, coordinator) = await StoreFixture.CreateAsync(Sample.Sweep(1, 3));
        await using var owned = fixture;
        var commits = 0;
        await fixture.Writer.RunAsync(session =>
        {
            raw.sqlite3_commit_hook(((SqliteConnection)session.Connection).Handle, _ => Interlocked.Increment(ref commits) * 0, null);
            return true;
        });
        var resume = await HoldAsync(fixture.Writer);

        Task[] calls =
        [
            fixture.Store.PauseAsync(coordinator), fixture.Store.CreateAsync("digits-2", 2, Sample.Sweep(1, 1)),
            fixture.Store.ResumeAsync(coordinator), fixture.Store.ExtendAsync(coordinator, Sample.Sweep(1, 2)),
            fixture.Store.CancelAsync(coordinator), fixture.Store.DeleteAsync(coordinator), fixture.Store.RemoveAsync(Sample.SweepId, 9),
        ];
        resume();
        await Task.WhenAll(calls);

        Assert.Equal(calls.Length, commits);
    }

    /// <summary>Keeps the store's thread busy, so that what follows waits together, until the returned action is called.</summary>
    internal static async Task<Action> HoldAsync(TransactionThreads threads)
    {
        var held = new TaskCompletionSource();
        var resume = new ManualResetEventSlim();
        _ = threads.RunAsync(_ =>
        {
            held.SetResult();
            resume.Wait();
            resume.Dispose();
            return true;
        });
        await held.Task;
        return resume.Set;
    }
}

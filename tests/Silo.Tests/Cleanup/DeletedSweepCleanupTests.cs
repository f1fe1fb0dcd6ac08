using System.Collections.Immutable;
using DeepTrain.Cluster.Client.Tests;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Cleanup;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class DeletedSweepCleanupTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogger<DeletedSweepCleanup> _log = new();
    private readonly DataFolder _data;

    public DeletedSweepCleanupTests()
    {
        _data = new(_folder.Root);
        _data.Create();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task RunRoundAsync_FileThatCannotBeDeleted_KeepsNothingElse()
    {
        await using var fixture = await StoreFixture.CreateAsync();
        await DeleteAsync(fixture.Store, "digits-1", "first");
        await DeleteAsync(fixture.Store, "digits-2", "second");
        // A folder is no file, and is not deleted as one, whoever tries.
        Directory.CreateDirectory(Path.Combine(_data.Checkpoints, "first"));
        File.WriteAllText(Path.Combine(_data.Checkpoints, "second"), "");
        Directory.CreateDirectory(Path.Combine(_data.Models, "digits-2"));
        File.WriteAllText(Path.Combine(_data.Models, "digits-2", "model"), "");

        await Cleanup(fixture.Store, fixture.Store.Reader).RunRoundAsync(CancellationToken.None);

        Assert.Empty(await fixture.Store.Reader.TombstonesAsync());
        Assert.Empty(Directory.GetFiles(_data.Checkpoints));
        Assert.Empty(Directory.GetDirectories(_data.Models));
        var record = Assert.Single(_log.Collector.GetSnapshot());
        Assert.Equal(LogLevel.Error, record.Level);
        Assert.StartsWith("Some files of digits-1, which is deleted, could not be removed; that is tried again each minute while a silo runs. "
            + $"{Path.Combine(_data.Checkpoints, "first")} cannot be deleted: ", record.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunRoundAsync_SweepThatTheStoreCannotRemove_DoesNotStarveTheNext()
    {
        var removed = new List<string>();
        var reader = Fake<ISweepReader>.Of((_, _) => Task.FromResult(ImmutableArray.Create("a-1", "b-1")));
        var store = Fake<ISweepStore>.Of((_, arguments) => arguments[0] is "a-1"
            ? Task.FromException<RemovedChunk>(new StoreException("a-1 is broken."))
            : Removed((string)arguments[0]!));

        await Cleanup(store, reader).RunRoundAsync(CancellationToken.None);

        Assert.Equal(["b-1"], removed);
        Assert.Equal("Deleted sweeps cannot be removed. It is tried again until it succeeds: a-1: a-1 is broken.", _log.LatestRecord.Message);

        Task<RemovedChunk> Removed(string sweepId)
        {
            removed.Add(sweepId);
            return Task.FromResult(new RemovedChunk([], More: false));
        }
    }

    [Fact]
    public async Task RunRoundAsync_OnASiloThatIsNotElected_LeavesAllToTheOneThatIs()
    {
        var store = Fake<ISweepStore>.Of((method, _) => throw new InvalidOperationException(method));
        var reader = Fake<ISweepReader>.Of((method, _) => throw new InvalidOperationException(method));

        await new DeletedSweepCleanup(store, reader, _data, Elections.Lost, _time, _log).RunRoundAsync(CancellationToken.None);

        Assert.Empty(_log.Collector.GetSnapshot());
    }

    private DeletedSweepCleanup Cleanup(ISweepStore store, ISweepReader reader) => new(store, reader, _data, Elections.Won, _time, _log);

    /// <summary>Deletes a sweep whose only trial has a checkpoint.</summary>
    private static async Task DeleteAsync(SweepStore store, string sweepId, string checkpoint)
    {
        Assert.True(await store.CreateAsync(sweepId, int.Parse(sweepId.Split('-')[1]), Sample.Sweep(1, 1)));
        var coordinator = (await store.OpenAsync(sweepId))!.Coordinator;
        var leased = Assert.Single((await store.GrantAsync(coordinator, Sample.Request(1))).Trials);
        await store.WriteAsync([Sample.Epoch(leased, 1) with { Checkpoint = checkpoint }]);
        Assert.True(await store.DeleteAsync(coordinator));
    }
}

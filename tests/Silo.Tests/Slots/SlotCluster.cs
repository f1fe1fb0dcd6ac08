using System.Collections.Concurrent;
using System.Reflection;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Hosting;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Silo.Storage;
using DeepTrain.Cluster.Silo.Storage.Sqlite;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.TestingHost;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>A silo in this process with one slot on a real store: everything but the trainer is what the program runs.</summary>
internal sealed class SlotCluster : IAsyncDisposable
{
    public const string SweepId = "digits-1";

    private readonly TemporaryFolder _folder = new();
    private SqliteSweepStore _store = null!;
    private InProcessTestCluster _cluster = null!;

    public ScriptedTrainer Trainer { get; } = new();

    public SweepStore Store => _store;

    /// <summary>The calls that the silo's grains got.</summary>
    public ConcurrentQueue<(string Interface, string Method)> Calls { get; } = [];

    public DataFolder Folder => new(_folder.Root);

    public ISweepGrain Sweep => _cluster.Client.Sweep(SweepId);

    /// <param name="failingWrites">How many times the store fails to write before it works.</param>
    /// <param name="lostGrants">How many times it grants, and its answer is lost.</param>
    /// <param name="checkpointInterval">An hour, in which no test's epoch ends late, where the test does not say.</param>
    /// <param name="epochPatience">As long, likewise.</param>
    /// <param name="lease">As people have it.</param>
    public static async Task<SlotCluster> StartAsync(
        int failingWrites = 0, int lostGrants = 0, TimeSpan? checkpointInterval = null, TimeSpan? epochPatience = null, TimeSpan? lease = null,
        TimeSpan? savableEpochPatience = null)
    {
        var fixture = new SlotCluster();
        Directory.CreateDirectory(fixture.Folder.Checkpoints);
        fixture._store = await SqliteSweepStore.OpenAsync(fixture._folder["sweeps.db"], TimeProvider.System);
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) => silo.Services
            .AddSingleton(TimeProvider.System)
            .AddSingleton(new LeaseTimes { Lease = lease ?? new LeaseTimes().Lease })
            .AddSingleton(FlakyStore.Of(fixture._store, failingWrites, lostGrants))
            .AddSingleton(fixture._store.Reader)
            .AddSingleton<ActiveSweeps>()
            .AddSingleton<TrialsInTraining>()
            .AddSingleton<ClusterMetrics>()
            .AddSingleton(fixture.Folder)
            .AddWorker(new(1, checkpointInterval ?? TimeSpan.FromHours(1), epochPatience ?? TimeSpan.FromHours(1))
            {
                SavableEpochPatience = savableEpochPatience ?? TimeSpan.FromHours(1),
            }, Sample.Provenance, new([fixture.Trainer])));
        builder.ConfigureSilo((_, silo) => silo.AddIncomingGrainCallFilter(async context =>
        {
            fixture.Calls.Enqueue(($"{context.InterfaceName}".Split('.')[^1], context.MethodName));
            await context.Invoke();
        }));
        fixture._cluster = builder.Build();
        await fixture._cluster.DeployAsync();
        return fixture;
    }

    /// <param name="rates">Learning rates: one cell each, all of one cohort.</param>
    public Task SubmitAsync(string rates, int epochs, string more = "") => Sweep.Submit(Text(rates, epochs, more), asNew: false);

    public static string Text(string rates, int epochs, string more = "") => $$"""
        name: digits
        dataset: digits
        network: { hidden: [8] }
        training: { epochs: {{epochs}} }
        space: { learningRate: [{{rates}}] }
        {{more}}
        """;

    public ITrialGrain Trial(TrialId id) => _cluster.Client.Trial(id);

    public async Task<SweepOverview> OverviewAsync() => (await Store.Reader.FindAsync(SweepId, CancellationToken.None))!;

    public Task FinishedAsync() => Eventually.True(
        async () => (await OverviewAsync()).Status is SweepStatus.Finished, "the sweep to finish");

    /// <summary>The results by learning rate.</summary>
    public async Task<Dictionary<double, TrialResult>> ResultsAsync()
    {
        var sweep = SweepFile.Parse((await Store.Reader.ReadTextAsync(SweepId, CancellationToken.None))!, "sweep").Sweep!;
        var rates = sweep.Cells.ToDictionary(cell => cell.Id, cell => cell.Configuration[Parameters.LearningRate]);
        return (await Store.Reader.ReadResultsAsync(SweepId, CancellationToken.None)).ToDictionary(result => rates[result.Trial.Cell]);
    }

    public Task<string> TextAsync(string sql) => _store.Writer.RunAsync(session =>
    {
        using var command = session.Connection.CreateCommand();
        command.CommandText = sql;
        return (string)command.ExecuteScalar()!;
    });

    public Task<long> CountAsync(string sql) => _store.Writer.RunAsync(session =>
    {
        using var command = session.Connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    });

    public Task ExecuteAsync(string sql) => _store.Writer.RunAsync(session => session.Execute(new(sql)));

    public IGrainFactory Grains => _cluster.Client;

    public ISiloStatusOracle Membership =>
        ((InProcessSiloHandle)_cluster.Silos[0]).ServiceProvider.GetRequiredService<ISiloStatusOracle>();

    /// <summary>The silo as leases name it.</summary>
    public string Silo => ((InProcessSiloHandle)_cluster.Silos[0]).SiloAddress.ToParsableString();

    /// <summary>Ends the slots as the host does when it stops.</summary>
    public Task StopSlotsAsync() => ((InProcessSiloHandle)_cluster.Silos[0]).ServiceProvider
        .GetServices<IHostedService>().OfType<SlotHost>().Single().StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        Trainer.BeforeEpoch = (_, _) => throw new InvalidOperationException("The test is over.");
        await _cluster.DisposeAsync();
        await _store.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>The real store, but that its first writes of results fail, and its first grants are not heard of.</summary>
internal class FlakyStore : DispatchProxy
{
    private ISweepStore _store = null!;
    private int _failures;
    private int _lostGrants;

    public static ISweepStore Of(ISweepStore store, int failures, int lostGrants)
    {
        var proxy = Create<ISweepStore, FlakyStore>();
        var flaky = (FlakyStore)(object)proxy;
        flaky._store = store;
        flaky._failures = failures;
        flaky._lostGrants = lostGrants;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == nameof(ISweepStore.WriteAsync) && Interlocked.Decrement(ref _failures) >= 0)
            throw new IOException("The disk is away.");
        var answer = targetMethod.Invoke(_store, args);
        return targetMethod.Name == nameof(ISweepStore.GrantAsync) && Interlocked.Decrement(ref _lostGrants) >= 0
            ? LoseAsync((Task<Granted>)answer!)
            : answer;
    }

    private static async Task<Granted> LoseAsync(Task<Granted> grant)
    {
        await grant;
        throw new IOException("The connection was lost.");
    }
}

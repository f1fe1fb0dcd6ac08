using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Silo.Storage;
using DeepTrain.Cluster.Silo.Storage.Sqlite;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.TestingHost;

namespace DeepTrain.Cluster.Grains.Tests;

/// <summary>A silo in this process on a store of its own, without slots: the test is the slot.</summary>
public sealed class GrainCluster : IAsyncDisposable
{
    internal static readonly Provenance Somewhere = new("test", "none", "none", "cpu");

    private readonly string _folder;
    private readonly SqliteSweepStore _store;
    private readonly InProcessTestCluster _cluster;

    internal GrainCluster(
        string folder, SqliteSweepStore store, Held<ISweepStore> writes, Held<ISweepReader> reads, LeapingTime time, InProcessTestCluster cluster)
    {
        _folder = folder;
        _store = store;
        (Writes, Reads) = (writes, reads);
        Time = time;
        _cluster = cluster;
    }

    internal SweepStore Store => _store;

    /// <summary>The store as grains have it: its answers can be held back.</summary>
    internal Held<ISweepStore> Writes { get; }

    internal Held<ISweepReader> Reads { get; }

    internal LeapingTime Time { get; }

    internal IGrainFactory Grains => _cluster.Client;

    internal ActiveSweeps Active => Service<ActiveSweeps>();

    internal TrialsInTraining Training => Service<TrialsInTraining>();

    internal SlotId Slot(int number = 0) => new(Service<ILocalSiloDetails>().SiloAddress.ToParsableString(), number);

    /// <param name="answerTime">How long a call may take, where it does not say otherwise; null: as long as Orleans lets it.</param>
    public static async Task<GrainCluster> StartAsync(TimeSpan? answerTime = null)
    {
        var folder = Directory.CreateTempSubdirectory("grains-").FullName;
        var time = new LeapingTime();
        var store = await SqliteSweepStore.OpenAsync(Path.Combine(folder, "sweeps.db"), time);
        var (writer, writes) = Held<ISweepStore>.Of(store);
        var (reader, reads) = Held<ISweepReader>.Of(store.Reader);
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) => silo.Services
            .AddSingleton<TimeProvider>(time)
            .AddSingleton(new LeaseTimes())
            .AddSingleton(writer)
            .AddSingleton(reader)
            .AddSingleton<ActiveSweeps>()
            .AddSingleton<TrialsInTraining>());
        if (answerTime is { } patience)
            builder.ConfigureClient(client => client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = patience));
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new(folder, store, writes, reads, time, cluster);
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    internal ISweepGrain Sweep(string id) => Grains.Sweep(id);

    internal ITrialGrain Trial(TrialId id) => Grains.Trial(id);

    /// <summary>Asks for a cohort as a slot does whose trainer takes so many trials of any kind.</summary>
    internal async Task<ImmutableArray<LeasedTrial>> LeaseAsync(string sweepId, int size, int slots = 1, Guid? lease = null)
    {
        var request = new LeaseRequest(lease ?? Guid.NewGuid(), Slot(), slots, ImmutableDictionary<string, int>.Empty, Somewhere);
        var reply = await Sweep(sweepId).Lease(request);
        if (reply.Unsized.Length == 0)
            return reply.Trials;
        var sizes = reply.Unsized.Select(Configuration.Parse).ToImmutableDictionary(shape => shape.FusionKey, _ => size);
        return (await Sweep(sweepId).Lease(request with { CohortSizes = sizes })).Trials;
    }

    /// <summary>Makes trials end as completed, durably, and reports them.</summary>
    internal async Task<ImmutableArray<FencedReport>> CompleteAsync(string sweepId, IEnumerable<LeasedTrial> trials, double accuracy)
    {
        var reports = await EndAsync(trials, accuracy);
        await Sweep(sweepId).Report(reports);
        return reports;
    }

    /// <summary>Makes trials end as completed, durably, but tells nobody.</summary>
    internal async Task<ImmutableArray<FencedReport>> EndAsync(IEnumerable<LeasedTrial> trials, double accuracy)
    {
        var reports = trials.Select(trial => new FencedReport(
            new(trial.Trial, 1, 0.1, 0.2, accuracy, 10, 0.5, new(Outcome.Completed, 0.3, 0.9)), trial.Fence)).ToImmutableArray();
        await Store.WriteAsync(reports);
        return reports;
    }

    private T Service<T>() where T : notnull => ((InProcessSiloHandle)_cluster.Silos[0]).ServiceProvider.GetRequiredService<T>();
}

/// <summary>Goes on by itself, as the runtime around the grains needs it, and leaps ahead where the test wants it to.</summary>
internal sealed class LeapingTime : TimeProvider
{
    private long _leapt;

    public void Leap(TimeSpan time) => Interlocked.Add(ref _leapt, time.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _leapt));

    public override long GetTimestamp() =>
        base.GetTimestamp() + (long)(TimeSpan.FromTicks(Interlocked.Read(ref _leapt)).TotalSeconds * TimestampFrequency);
}

/// <summary>Tells a coordinator of reports as a silo does when they are durable.</summary>
internal static class DurableReports
{
    public static Task Report(this ISweepGrain sweep, ImmutableArray<FencedReport> durable) =>
        sweep.Report([.. durable.Select(TrialEnding.Of).OfType<TrialEnding>()]);
}

/// <summary>Sweep files for tests.</summary>
internal static class Files
{
    /// <param name="rates">Learning rates: one cell each.</param>
    public static string Sweep(string rates, int replicates, string name = "digits", string training = "momentum: 0.9") =>
        $$"""
        name: {{name}}
        dataset: digits
        network: { hidden: [8] }
        training: { epochs: 1, {{training}} }
        space: { learningRate: [{{rates}}] }
        replicates: {{replicates}}
        """;
}

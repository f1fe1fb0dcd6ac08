#pragma warning disable
using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps;
using DeepTrain.Cluster.Grains;
namespace DeepTrain.Cluster.Silo;
internal static class PostgresDatabase { public static Task MigrateAsync(PostgresSettings s, CancellationToken c) => Task.CompletedTask; }
internal abstract class PostgresSweepStore : ISweepStore, IAsyncDisposable { public static Task<PostgresSweepStore> OpenAsync(PostgresSettings s, int n = 2) => throw new Exception(); public abstract ValueTask DisposeAsync();
#nullable enable
public abstract Task<bool> CreateAsync(string sweepId, int number, Sweep sweep);
public abstract Task<OpenedSweep?> OpenAsync(string sweepId);
public abstract Task ExtendAsync(Coordinator coordinator, Sweep sweep);
public abstract Task<Granted> GrantAsync(Coordinator coordinator, GrantRequest request);
public abstract Task<ImmutableHashSet<Guid>> RenewAsync(Coordinator coordinator, IReadOnlyCollection<Guid> leases, TimeSpan leaseTime);
public abstract Task ReleaseAsync(Coordinator coordinator, Guid lease, IReadOnlyCollection<TrialId>? trials);
public abstract Task<ImmutableArray<string>> ReleaseSiloAsync(string silo);
public abstract Task<ImmutableArray<string>> ReleaseAllAsync();
public abstract Task<ImmutableArray<WriteVerdict>> WriteAsync(IReadOnlyList<FencedReport> reports);
public abstract Task CancelAsync(Coordinator coordinator);
public abstract Task<bool> FinishAsync(Coordinator coordinator);
public abstract Task<bool> PauseAsync(Coordinator coordinator);
public abstract Task<bool> ResumeAsync(Coordinator coordinator);
public abstract Task<int> RetryAsync(Coordinator coordinator);
public abstract Task<bool> DeleteAsync(Coordinator coordinator);
public abstract Task<RemovedChunk> RemoveAsync(string sweepId, int trials);
public abstract Task<ImmutableArray<SweepOverview>> ListAsync(CancellationToken cancellation);
public abstract Task<SweepOverview?> FindAsync(string sweepId, CancellationToken cancellation);
public abstract Task<ImmutableArray<string>> UnfinishedAsync();
public abstract Task<ImmutableArray<string>> TombstonesAsync();
public abstract Task<int> LatestNumberAsync(string name, CancellationToken cancellation);
public abstract Task<string?> ReadTextAsync(string sweepId, CancellationToken cancellation);
public abstract Task<ImmutableArray<TrialResult>> ReadResultsAsync(string sweepId, CancellationToken cancellation);
public abstract Task<ImmutableArray<EpochResult>> ReadEpochsAsync(TrialId trial, CancellationToken cancellation);
public abstract Task<Provenance?> ReadProvenanceAsync(TrialId trial, CancellationToken cancellation);
public abstract Task<ImmutableHashSet<string>> ReadCheckpointsAsync();
}
public class PostgresSweepReader(PostgresSettings s) : ISweepReader {
public Task<ImmutableArray<SweepOverview>> ListAsync(CancellationToken cancellation) => throw new System.Exception();
public Task<SweepOverview?> FindAsync(string sweepId, CancellationToken cancellation) => throw new System.Exception();
public Task<ImmutableArray<string>> UnfinishedAsync() => throw new System.Exception();
public Task<ImmutableArray<string>> TombstonesAsync() => throw new System.Exception();
public Task<int> LatestNumberAsync(string name, CancellationToken cancellation) => throw new System.Exception();
public Task<string?> ReadTextAsync(string sweepId, CancellationToken cancellation) => throw new System.Exception();
public Task<ImmutableArray<TrialResult>> ReadResultsAsync(string sweepId, CancellationToken cancellation) => throw new System.Exception();
public Task<ImmutableArray<EpochResult>> ReadEpochsAsync(TrialId trial, CancellationToken cancellation) => throw new System.Exception();
public Task<Provenance?> ReadProvenanceAsync(TrialId trial, CancellationToken cancellation) => throw new System.Exception();
public Task<ImmutableHashSet<string>> ReadCheckpointsAsync() => throw new System.Exception();
}

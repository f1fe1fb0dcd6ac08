using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo;

/// <summary>The store of one data folder, whose lock the caller holds.</summary>
/// <remarks>Everything that writes runs on one thread, over one connection; reads have their own connections.</remarks>
internal sealed class SqliteSweepStore : ISweepStore, IAsyncDisposable
{
    private readonly SqliteWriter _writer;
    private readonly SqliteSweepReader _reader;
    private readonly TimeProvider _time;

    private SqliteSweepStore(SqliteWriter writer, SqliteSweepReader reader, TimeProvider time)
    {
        _writer = writer;
        _reader = reader;
        _time = time;
    }

    /// <summary>Creates the database or brings its schema up to date, whatever an earlier process left half done.</summary>
    /// <exception cref="StoreException">The file is no database, damaged, newer than this program, or cannot be written.</exception>
    public static async Task<SqliteSweepStore> OpenAsync(string path, TimeProvider time) =>
        new(await SqliteWriter.OpenAsync(path, SqliteDatabase.Prepare), new(path), time);

    /// <summary>Where tests make a failure happen.</summary>
    internal SqliteWriter Writer => _writer;

    public Task<bool> CreateAsync(string sweepId, int number, Sweep sweep) =>
        _writer.TransactAsync(session => SweepStatements.Create(session, sweepId, number, sweep, _time.GetUtcNow()));

    public Task<OpenedSweep?> OpenAsync(string sweepId) =>
        _writer.TransactAsync(session => SweepStatements.Open(session, sweepId));

    public Task ExtendAsync(Coordinator coordinator, Sweep sweep) =>
        _writer.TransactAsync(session => SweepStatements.Extend(session, coordinator, sweep));

    public Task<Granted> GrantAsync(Coordinator coordinator, GrantRequest request) =>
        _writer.TransactAsync(session => LeaseStatements.Grant(session, coordinator, request, _time.GetUtcNow()));

    public Task<ImmutableHashSet<Guid>> RenewAsync(Coordinator coordinator, IReadOnlyCollection<Guid> leases, TimeSpan leaseTime) =>
        _writer.TransactAsync(session => LeaseStatements.Renew(session, coordinator, leases, leaseTime, _time.GetUtcNow()));

    public Task ReleaseAsync(Coordinator coordinator, Guid lease, IReadOnlyCollection<TrialId>? trials) =>
        _writer.TransactAsync(session => LeaseStatements.Release(session, coordinator, lease, trials));

    public Task<ImmutableArray<string>> ReleaseSiloAsync(string silo) =>
        _writer.TransactAsync(session => LeaseStatements.ReleaseSilo(session, silo));

    public Task<ImmutableArray<string>> ReleaseAllAsync() => _writer.TransactAsync(LeaseStatements.ReleaseAll);

    public Task<ImmutableArray<WriteVerdict>> WriteAsync(IReadOnlyList<FencedReport> reports)
    {
        FencedReport[] copy = [.. reports];
        return _writer.ShareAsync(session => ReportStatements.Write(session, copy, _time.GetUtcNow()));
    }

    public Task CancelAsync(Coordinator coordinator) =>
        _writer.TransactAsync(session => SweepStatements.Cancel(session, coordinator, _time.GetUtcNow()));

    public Task<bool> FinishAsync(Coordinator coordinator) =>
        _writer.TransactAsync(session => SweepStatements.Finish(session, coordinator, _time.GetUtcNow()));

    public Task<bool> PauseAsync(Coordinator coordinator) =>
        _writer.TransactAsync(session => SweepStatements.Pause(session, coordinator));

    public Task<bool> ResumeAsync(Coordinator coordinator) =>
        _writer.TransactAsync(session => SweepStatements.Resume(session, coordinator));

    public Task<int> RetryAsync(Coordinator coordinator) =>
        _writer.TransactAsync(session => SweepStatements.Retry(session, coordinator));

    public Task<bool> DeleteAsync(Coordinator coordinator) =>
        _writer.TransactAsync(session => SweepStatements.Delete(session, coordinator));

    public Task<RemovedChunk> RemoveAsync(string sweepId, int trials) =>
        _writer.TransactAsync(session => SweepStatements.Remove(session, sweepId, trials));

    public Task<ImmutableArray<SweepOverview>> ListAsync(CancellationToken cancellation) => _reader.ListAsync(cancellation);

    public Task<SweepOverview?> FindAsync(string sweepId, CancellationToken cancellation) => _reader.FindAsync(sweepId, cancellation);

    public Task<ImmutableArray<string>> UnfinishedAsync() => _reader.UnfinishedAsync();

    public Task<ImmutableArray<string>> TombstonesAsync() => _reader.TombstonesAsync();

    public Task<int> LatestNumberAsync(string name, CancellationToken cancellation) => _reader.LatestNumberAsync(name, cancellation);

    public Task<string?> ReadTextAsync(string sweepId, CancellationToken cancellation) => _reader.ReadTextAsync(sweepId, cancellation);

    public Task<ImmutableArray<TrialResult>> ReadResultsAsync(string sweepId, CancellationToken cancellation) =>
        _reader.ReadResultsAsync(sweepId, cancellation);

    public Task<ImmutableArray<EpochResult>> ReadEpochsAsync(TrialId trial, CancellationToken cancellation) =>
        _reader.ReadEpochsAsync(trial, cancellation);

    public Task<Provenance?> ReadProvenanceAsync(TrialId trial, CancellationToken cancellation) =>
        _reader.ReadProvenanceAsync(trial, cancellation);

    public Task<ImmutableHashSet<string>> ReadCheckpointsAsync() => _reader.ReadCheckpointsAsync();

    public ValueTask DisposeAsync() => _writer.DisposeAsync();
}

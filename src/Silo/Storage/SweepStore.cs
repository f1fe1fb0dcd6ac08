using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Silo.Storage.Statements;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Storage;

/// <summary>The operations of a store, the same for every database; derived stores decide where and how they run.</summary>
internal abstract class SweepStore(ISweepReader reader) : ISweepStore, IAsyncDisposable
{
    public ISweepReader Reader => reader;

    public Task<bool> CreateAsync(string sweepId, int number, Sweep sweep) =>
        TransactAloneAsync(session => SweepStatements.Create(session, sweepId, number, sweep));

    public Task<OpenedSweep?> OpenAsync(string sweepId) => TransactAsync(session => SweepStatements.Open(session, sweepId), sweepId);

    public Task ExtendAsync(Coordinator coordinator, Sweep sweep) =>
        TransactAloneAsync(session => SweepStatements.Extend(session, coordinator, sweep));

    public Task<Granted> GrantAsync(Coordinator coordinator, GrantRequest request) =>
        TransactAsync(session => LeaseStatements.Grant(session, coordinator, request), $"{coordinator.SweepId} {request.Silo}");

    public Task<ImmutableHashSet<Guid>> RenewAsync(Coordinator coordinator, IReadOnlyCollection<Guid> leases, TimeSpan leaseTime) =>
        TransactAsync(session => LeaseStatements.Renew(session, coordinator, leases, leaseTime), coordinator.SweepId);

    public Task<int> ReleaseAsync(Coordinator coordinator, Guid lease, IReadOnlyCollection<TrialId> trials) =>
        TransactAsync(session => LeaseStatements.Release(session, coordinator, lease, trials), coordinator.SweepId);

    public Task<TakenTrials> ReleaseSiloAsync(string silo) =>
        TransactAloneAsync(session => LeaseStatements.ReleaseSilo(session, silo));

    public Task<TakenTrials> ReleaseAllAsync() => TransactAloneAsync(LeaseStatements.ReleaseAll);

    public Task<ImmutableArray<WriteVerdict>> WriteAsync(IReadOnlyList<FencedReport> reports)
    {
        FencedReport[] copy = [.. reports];
        return ReportAsync(session => ReportStatements.Write(session, copy));
    }

    public Task CancelAsync(Coordinator coordinator) => TransactAloneAsync(session => SweepStatements.Cancel(session, coordinator));

    public Task<SweepStatus> FinishAsync(Coordinator coordinator) =>
        TransactAsync(session => SweepStatements.Finish(session, coordinator), coordinator.SweepId);

    public Task<bool> PauseAsync(Coordinator coordinator) =>
        TransactAsync(session => SweepStatements.Pause(session, coordinator), coordinator.SweepId);

    public Task<bool> ResumeAsync(Coordinator coordinator) =>
        TransactAsync(session => SweepStatements.Resume(session, coordinator), coordinator.SweepId);

    public Task<int> RetryAsync(Coordinator coordinator) => TransactAloneAsync(session => SweepStatements.Retry(session, coordinator));

    public Task<bool> DeleteAsync(Coordinator coordinator) => TransactAloneAsync(session => SweepStatements.Delete(session, coordinator));

    public Task<RemovedChunk> RemoveAsync(string sweepId, int trials) =>
        TransactAloneAsync(session => SweepStatements.Remove(session, sweepId, trials));

    public abstract ValueTask DisposeAsync();

    /// <summary>Runs a coordinator's call as one transaction that is durable when the task ends.</summary>
    /// <param name="place">What the transaction locks first.</param>
    protected abstract Task<T> TransactAsync<T>(Func<Session, T> body, string place);

    /// <summary>Like <see cref="TransactAsync{T}"/>, for work that takes long because it changes many trials.</summary>
    protected abstract Task<T> TransactAloneAsync<T>(Func<Session, T> body);

    /// <summary>Writes the reports of workers; the work begins its transactions itself.</summary>
    protected abstract Task<T> ReportAsync<T>(Func<Session, T> work);
}

using System.Collections.Immutable;
using System.Data.Common;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace DeepTrain.Cluster.Silo;

/// <summary>The questions to a store, the same for every database; how one is reached is its readers' own.</summary>
public abstract class SweepReader : ISweepReader
{
    private protected SweepReader()
    {
    }

    public Task<ImmutableArray<SweepOverview>> ListAsync(CancellationToken cancellation) =>
        ReadAsync((context, stop) => OverviewsAsync(context, Kept(context), stop), [], cancellation);

    public Task<SweepOverview?> FindAsync(string sweepId, CancellationToken cancellation) => ReadAsync(
        async (context, stop) =>
            (await OverviewsAsync(context, Kept(context).Where(sweep => sweep.Id == sweepId), stop)).SingleOrDefault(),
        null, cancellation);

    public Task<ImmutableArray<string>> UnfinishedAsync() => ReadAsync(
        (context, stop) => AllAsync(
            context.Sweeps.Where(sweep => sweep.Status == SweepStatus.Running).OrderBy(sweep => sweep.Key).Select(sweep => sweep.Id), stop),
        [], CancellationToken.None);

    public Task<ImmutableArray<string>> TombstonesAsync() => ReadAsync(
        (context, stop) => AllAsync(
            context.Sweeps.Where(sweep => sweep.Status == SweepStatus.Deleted && sweep.Resolved != "").OrderBy(sweep => sweep.Key)
                .Select(sweep => sweep.Id), stop),
        [], CancellationToken.None);

    public Task<int> LatestNumberAsync(string name, CancellationToken cancellation) => ReadAsync(
        async (context, stop) => await context.Sweeps.Where(sweep => sweep.Name == name).MaxAsync(sweep => (int?)sweep.Number, stop) ?? 0,
        0, cancellation);

    public Task<string?> ReadTextAsync(string sweepId, CancellationToken cancellation) => ReadAsync(
        (context, stop) => Kept(context).Where(sweep => sweep.Id == sweepId).Select(sweep => sweep.Text).SingleOrDefaultAsync(stop),
        null, cancellation);

    public Task<ImmutableArray<TrialResult>> ReadResultsAsync(string sweepId, CancellationToken cancellation) => ReadAsync(
        (context, stop) => AllAsync(
            from sweep in Kept(context)
            where sweep.Id == sweepId
            join trial in context.Trials on sweep.Key equals trial.Sweep
            where trial.Active && trial.Outcome != null
            join cell in context.Cells on trial.Cell equals cell.Key
            orderby trial.Position, trial.Replicate
            select new TrialResult(new(sweepId, cell.Id, trial.Replicate), trial.Outcome!.Value,
                trial.TrainLoss, trial.ValidationLoss, trial.ValidationAccuracy, trial.TestLoss, trial.TestAccuracy,
                trial.Epochs, trial.Seconds, trial.Fence,
                trial.FailureClass == null ? null : new(trial.FailureClass, trial.FailureMessage ?? "") { Log = trial.FailureLog })
                {
                    AilmentsStart = trial.AilmentsStart,
                    AilmentsEnd = trial.AilmentsEnd,
                }, stop),
        [], cancellation);

    // Of a large sweep this is most of a coordinator's start: no object for each row, no order, and no query to translate first.
    public Task<ImmutableArray<EndedTrial>> ReadEndedAsync(string sweepId) => ReadAsync(
        (context, stop) => QueryAsync(context, """
            SELECT c.id, t.replicate, t.outcome, t.train_loss, t.validation_loss, t.validation_accuracy, t.ailments_end
            FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN cells c ON c.key = t.cell
            WHERE s.id = @sweep AND s.status <> 'Deleted' AND t.active AND t.outcome IS NOT NULL
            """, sweepId, row => new EndedTrial(row.GetString(0), row.GetInt32(1), Enum.Parse<Outcome>(row.GetString(2)),
                NumberAt(row, 3), NumberAt(row, 4), NumberAt(row, 5),
                row.IsDBNull(6) ? null : (Ailments)row.GetInt32(6)), stop), [], CancellationToken.None);

    public Task<ImmutableHashSet<(TrialId Trial, long Fence)>> ReadFailedAsync(IReadOnlyCollection<(TrialId Trial, long Fence)> trials) =>
        ReadAsync<ImmutableHashSet<(TrialId, long)>>(async (context, stop) =>
        {
            var failed = ImmutableHashSet.CreateBuilder<(TrialId, long)>();
            foreach (var (trial, fence) in trials)
                if (await Rows(context, trial).AnyAsync(row => row.Fence == fence && row.Outcome == Outcome.Failed, stop))
                    failed.Add((trial, fence));
            return failed.ToImmutable();
        }, [], CancellationToken.None);

    public Task<TrialCounts> CountAsync(string sweepId) => ReadAsync(
        async (context, stop) => (await QueryAsync(context, $"""
            SELECT COUNT(*) - COUNT(t.lease) - COUNT(t.outcome), (
                    SELECT COUNT(*) FROM sweeps s JOIN trials t ON t.sweep = s.key
                    WHERE s.id = @sweep AND s.status <> 'Deleted' AND active AND lease IS NULL AND {SweepContext.Suspect}
                ), COUNT(t.lease), COUNT(t.outcome)
            FROM sweeps s JOIN trials t ON t.sweep = s.key
            WHERE s.id = @sweep AND s.status <> 'Deleted' AND t.active
            """, sweepId, row => new TrialCounts(row.GetInt32(0), row.GetInt32(1), row.GetInt32(2), row.GetInt32(3)), stop)).Single(),
        default, CancellationToken.None);

    public Task<ImmutableArray<EpochResult>> ReadEpochsAsync(TrialId trial, CancellationToken cancellation) => ReadAsync(
        (context, stop) => AllAsync(
            from row in Rows(context, trial)
            join epoch in context.Epochs on row.Key equals epoch.Trial
            orderby epoch.Epoch
            select new EpochResult(epoch.Epoch, epoch.Fence, epoch.TrainLoss, epoch.ValidationLoss, epoch.ValidationAccuracy,
                epoch.Seconds, epoch.Health == null ? null : GradientHealth.Unpack(epoch.Health, epoch.Ailments ?? Ailments.None)), stop),
        [], cancellation);

    public Task<Provenance?> ReadProvenanceAsync(TrialId trial, CancellationToken cancellation) => ReadAsync(
        (context, stop) =>
            (from row in Rows(context, trial)
             join provenance in context.Provenances on row.Provenance equals provenance.Key
             select new Provenance(provenance.CodeVersion, provenance.Libtorch, provenance.CpuCapability, provenance.Device))
            .SingleOrDefaultAsync(stop),
        null, cancellation);

    public Task<ImmutableHashSet<string>> ReadCheckpointsAsync() => ReadAsync<ImmutableHashSet<string>>(
        async (context, stop) =>
            [.. await AllAsync(context.Trials.Where(trial => trial.Checkpoint != null).Select(trial => trial.Checkpoint!).Distinct(), stop)],
        [], CancellationToken.None);

    /// <summary>Asks in one transaction, so that every answer is of the same state.</summary>
    /// <param name="none">The answer of a store that is not there yet.</param>
    private protected abstract Task<T> ReadAsync<T>(
        Func<SweepContext, CancellationToken, Task<T>> read, T none, CancellationToken cancellation);

    private static async Task<ImmutableArray<T>> AllAsync<T>(IQueryable<T> query, CancellationToken cancellation) =>
        [.. await query.ToListAsync(cancellation)];

    /// <summary>Asks about one sweep in SQL that every database understands.</summary>
    private static async Task<ImmutableArray<T>> QueryAsync<T>(
        SweepContext context, string sql, string sweepId, Func<DbDataReader, T> read, CancellationToken cancellation)
    {
        await using var command = context.Database.GetDbConnection().CreateCommand();
        command.CommandText = sql;
        command.Transaction = context.Database.CurrentTransaction!.GetDbTransaction();
        var id = command.CreateParameter();
        (id.ParameterName, id.Value) = ("@sweep", sweepId);
        command.Parameters.Add(id);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = ImmutableArray.CreateBuilder<T>();
        while (await reader.ReadAsync(cancellation))
            rows.Add(read(reader));
        return rows.DrainToImmutable();
    }

    private static double? NumberAt(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDouble(column);

    /// <summary>The sweeps that are not deleted.</summary>
    private static IQueryable<SweepRow> Kept(SweepContext context) =>
        context.Sweeps.Where(sweep => sweep.Status != SweepStatus.Deleted);

    private static IQueryable<TrialRow> Rows(SweepContext context, TrialId trial) =>
        from sweep in Kept(context)
        where sweep.Id == trial.Sweep
        join cell in context.Cells on sweep.Key equals cell.Sweep
        where cell.Id == trial.Cell
        join row in context.Trials on cell.Key equals row.Cell
        where row.Replicate == trial.Replicate
        select row;

    private static async Task<ImmutableArray<SweepOverview>> OverviewsAsync(
        SweepContext context, IQueryable<SweepRow> sweeps, CancellationToken cancellation)
    {
        var counts = (await (
            from sweep in sweeps
            join trial in context.Trials on sweep.Key equals trial.Sweep
            where trial.Active
            group trial by new { trial.Sweep, trial.Outcome } into same
            select new { same.Key.Sweep, same.Key.Outcome, Count = same.Count(), Leased = same.Count(trial => trial.Lease != null) })
            .ToListAsync(cancellation))
            .ToLookup(count => count.Sweep);
        return
        [
            .. from sweep in await sweeps.OrderByDescending(sweep => sweep.Key).Select(sweep => new
               {
                   sweep.Key, sweep.Id, sweep.Name, sweep.Number, sweep.Status, sweep.Created, sweep.Finished, sweep.Device,
               }).ToListAsync(cancellation)
               let counted = counts[sweep.Key]
               select new SweepOverview(sweep.Id, sweep.Name, sweep.Number, sweep.Status, sweep.Created, sweep.Finished, sweep.Device,
                   counted.Where(count => count.Outcome is null).Sum(count => count.Count - count.Leased),
                   counted.Sum(count => count.Leased),
                   counted.Where(count => count.Outcome is not null)
                       .ToImmutableDictionary(count => count.Outcome!.Value, count => count.Count)),
        ];
    }
}

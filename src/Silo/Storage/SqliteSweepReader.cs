using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace DeepTrain.Cluster.Silo;

/// <summary>Reads a database that somebody else may be writing, or nobody, or that is not there yet: then it holds no sweep.</summary>
public sealed class SqliteSweepReader(string path) : ISweepReader
{
    private volatile bool _ready;

    public Task<ImmutableArray<SweepOverview>> ListAsync(CancellationToken cancellation) =>
        ReadAsync(context => Overviews(context, Kept(context)), [], cancellation);

    public Task<SweepOverview?> FindAsync(string sweepId, CancellationToken cancellation) =>
        ReadAsync(context => Overviews(context, Kept(context).Where(sweep => sweep.Id == sweepId)).SingleOrDefault(), null, cancellation);

    public Task<ImmutableArray<string>> UnfinishedAsync() =>
        ReadAsync<ImmutableArray<string>>(context =>
            [.. context.Sweeps.Where(sweep => sweep.Status == SweepStatus.Running).OrderBy(sweep => sweep.Key).Select(sweep => sweep.Id)],
            [], CancellationToken.None);

    public Task<ImmutableArray<string>> TombstonesAsync() =>
        ReadAsync<ImmutableArray<string>>(context =>
            [
                .. context.Sweeps.Where(sweep => sweep.Status == SweepStatus.Deleted && sweep.Resolved != "").OrderBy(sweep => sweep.Key)
                    .Select(sweep => sweep.Id),
            ],
            [], CancellationToken.None);

    public Task<int> LatestNumberAsync(string name, CancellationToken cancellation) =>
        ReadAsync(context => context.Sweeps.Where(sweep => sweep.Name == name).Max(sweep => (int?)sweep.Number) ?? 0, 0, cancellation);

    public Task<string?> ReadTextAsync(string sweepId, CancellationToken cancellation) =>
        ReadAsync(context => Kept(context).Where(sweep => sweep.Id == sweepId).Select(sweep => sweep.Text).SingleOrDefault(),
            null, cancellation);

    public Task<ImmutableArray<TrialResult>> ReadResultsAsync(string sweepId, CancellationToken cancellation) =>
        ReadAsync<ImmutableArray<TrialResult>>(context =>
        [
            .. from sweep in Kept(context)
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
                   },
        ], [], cancellation);

    public Task<ImmutableArray<EpochResult>> ReadEpochsAsync(TrialId trial, CancellationToken cancellation) =>
        ReadAsync<ImmutableArray<EpochResult>>(context =>
        [
            .. from row in Rows(context, trial)
               join epoch in context.Epochs on row.Key equals epoch.Trial
               orderby epoch.Epoch
               select new EpochResult(epoch.Epoch, epoch.Fence, epoch.TrainLoss, epoch.ValidationLoss, epoch.ValidationAccuracy,
                   epoch.Seconds, epoch.Health == null ? null : GradientHealth.Unpack(epoch.Health, epoch.Ailments ?? Ailments.None)),
        ], [], cancellation);

    public Task<Provenance?> ReadProvenanceAsync(TrialId trial, CancellationToken cancellation) =>
        ReadAsync(context =>
            (from row in Rows(context, trial)
             join provenance in context.Provenances on row.Provenance equals provenance.Key
             select new Provenance(provenance.CodeVersion, provenance.Libtorch, provenance.CpuCapability, provenance.Device))
            .SingleOrDefault(), null, cancellation);

    public Task<ImmutableHashSet<string>> ReadCheckpointsAsync() =>
        ReadAsync<ImmutableHashSet<string>>(context =>
            [.. context.Trials.Where(trial => trial.Checkpoint != null).Select(trial => trial.Checkpoint!).Distinct()],
            [], CancellationToken.None);

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

    private static ImmutableArray<SweepOverview> Overviews(SweepContext context, IQueryable<SweepRow> sweeps)
    {
        var counts = (
            from sweep in sweeps
            join trial in context.Trials on sweep.Key equals trial.Sweep
            where trial.Active
            group trial by new { trial.Sweep, trial.Outcome } into same
            select new { same.Key.Sweep, same.Key.Outcome, Count = same.Count(), Leased = same.Count(trial => trial.Lease != null) })
            .ToLookup(count => count.Sweep);
        return
        [
            .. from sweep in sweeps.OrderByDescending(sweep => sweep.Key).Select(sweep => new
               {
                   sweep.Key, sweep.Id, sweep.Name, sweep.Number, sweep.Status, sweep.Created, sweep.Finished,
               }).AsEnumerable()
               let counted = counts[sweep.Key]
               select new SweepOverview(sweep.Id, sweep.Name, sweep.Number, sweep.Status, sweep.Created, sweep.Finished,
                   counted.Where(count => count.Outcome is null).Sum(count => count.Count - count.Leased),
                   counted.Sum(count => count.Leased),
                   counted.Where(count => count.Outcome is not null)
                       .ToImmutableDictionary(count => count.Outcome!.Value, count => count.Count)),
        ];
    }

    /// <summary>Reads one state of the database, off the caller's thread: SQLite has no I/O that waits otherwise.</summary>
    private Task<T> ReadAsync<T>(Func<SweepContext, T> read, T none, CancellationToken cancellation) => Task.Run(() =>
    {
        if (!File.Exists(path))
            return none;
        try
        {
            using var connection = Open();
            using var context = SqliteDatabase.Context(connection);
            if (!_ready && !(_ready = SqliteDatabase.IsReady(context)))
                return none;
            using var transaction = connection.BeginTransaction(deferred: true);
            context.Database.UseTransaction(transaction);
            return read(context);
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Explain(error, path);
        }
    }, cancellation);

    private SqliteConnection Open()
    {
        try
        {
            return Open(path);
        }
        // In a folder that may not be written, readers cannot create the files by which they and a writer would keep apart. Where no
        // writer has left a log, the database is complete as it is.
        catch (SqliteException error) when (SqliteFailure.IsCannotOpen(error) && !File.Exists($"{path}-wal"))
        {
            return Open($"file:{string.Join('/', Path.GetFullPath(path).Split('/').Select(Uri.EscapeDataString))}?immutable=1");
        }
    }

    private static SqliteConnection Open(string source)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = source, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        try
        {
            connection.Open();
            // SQLite opens the file at the first look into it.
            using var look = connection.CreateCommand();
            look.CommandText = "SELECT 1 FROM sqlite_master";
            look.ExecuteScalar();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}

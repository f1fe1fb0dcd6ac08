using System.Collections.Immutable;
using System.Data.Common;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Schema;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Storage;

/// <summary>The queries to a store, the same for every database; derived readers connect to theirs.</summary>
public abstract class SweepReader : ISweepReader
{
    private const string OfSweep = "s.id = @sweep AND s.status <> 'Deleted'";

    private const string ToTrial = $"""
        FROM sweeps s JOIN cells c ON c.sweep = s.key JOIN trials t ON t.cell = c.key
        WHERE {OfSweep} AND c.id = @cell AND t.replicate = @replicate
        """;

    private protected SweepReader()
    {
    }

    private static readonly Overviews OfAllSweeps = new("s.status <> 'Deleted'");

    public Task<ImmutableArray<SweepOverview>> ListAsync(CancellationToken cancellation) => ReadAsync(
        snapshot => OfAllSweeps.ReadAsync(snapshot), [], cancellation);

    private static readonly Overviews OfOneSweep = new(OfSweep);

    public Task<SweepOverview?> FindAsync(string sweepId, CancellationToken cancellation) => ReadAsync(
        async snapshot => (await OfOneSweep.ReadAsync(snapshot, ("@sweep", sweepId))).SingleOrDefault(), null, cancellation);

    private static readonly Sql Unfinished = new("SELECT id FROM sweeps WHERE status = 'Running' ORDER BY key");

    public Task<ImmutableArray<string>> UnfinishedAsync() => ReadAsync(
        snapshot => snapshot.QueryAsync(Unfinished, row => row.GetString(0)), [], CancellationToken.None);

    private static readonly Sql Tombstones = new("SELECT id FROM sweeps WHERE status = 'Deleted' AND resolved <> '' ORDER BY key");

    public Task<ImmutableArray<string>> TombstonesAsync() => ReadAsync(
        snapshot => snapshot.QueryAsync(Tombstones, row => row.GetString(0)), [], CancellationToken.None);

    private static readonly Sql LatestNumber = new("SELECT COALESCE(MAX(number), 0) FROM sweeps WHERE name = @name");

    public Task<int> LatestNumberAsync(string name, CancellationToken cancellation) => ReadAsync(
        async snapshot => (await snapshot.QueryAsync(LatestNumber, row => row.GetInt32(0), ("@name", name)))[0], 0, cancellation);

    private static readonly Sql Text = new($"SELECT s.text FROM sweeps s WHERE {OfSweep}");

    public Task<string?> ReadTextAsync(string sweepId, CancellationToken cancellation) => ReadAsync(
        async snapshot => (await snapshot.QueryAsync(Text, row => row.GetString(0), ("@sweep", sweepId))).SingleOrDefault(), null, cancellation);

    private static readonly Sql Results = new($"""
        SELECT c.id, t.replicate, t.outcome, t.train_loss, t.validation_loss, t.validation_accuracy, t.test_loss, t.test_accuracy,
            t.epochs, t.seconds, t.fence, t.failure_class, t.failure_message, t.failure_log, t.ailments_start, t.ailments_end
        FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN cells c ON c.key = t.cell
        WHERE {OfSweep} AND t.active AND t.outcome IS NOT NULL ORDER BY t.position, t.replicate
        """);

    public Task<ImmutableArray<TrialResult>> ReadResultsAsync(string sweepId, CancellationToken cancellation) => ReadAsync(
        snapshot => snapshot.QueryAsync(Results,
            row => new TrialResult(new(sweepId, row.GetString(0), row.GetInt32(1)), OutcomeAt(row, 2),
                NumberAt(row, 3), NumberAt(row, 4), NumberAt(row, 5), NumberAt(row, 6), NumberAt(row, 7),
                row.GetInt32(8), row.GetDouble(9), row.GetInt64(10),
                TextAt(row, 11) is { } failure ? new(failure, TextAt(row, 12) ?? "") { Log = TextAt(row, 13) } : null)
            {
                AilmentsStart = AilmentsAt(row, 14),
                AilmentsEnd = AilmentsAt(row, 15),
            }, ("@sweep", sweepId)),
        [], cancellation);

    // For a large sweep this is most of a coordinator's start, so it creates no object per row and does not sort.
    private static readonly Sql Ended = new($"""
        SELECT c.id, t.replicate, t.outcome, t.train_loss, t.validation_loss, t.validation_accuracy, t.ailments_end
        FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN cells c ON c.key = t.cell
        WHERE {OfSweep} AND t.active AND t.outcome IS NOT NULL
        """);

    public Task<ImmutableArray<EndedTrial>> ReadEndedAsync(string sweepId) => ReadAsync(
        snapshot => snapshot.QueryAsync(Ended,
            row => new EndedTrial(row.GetString(0), row.GetInt32(1), OutcomeAt(row, 2), NumberAt(row, 3), NumberAt(row, 4), NumberAt(row, 5),
                AilmentsAt(row, 6)), ("@sweep", sweepId)),
        [], CancellationToken.None);

    private static readonly Sql Failed = new(dialect => $"""
        SELECT c.id, t.replicate, t.fence FROM sweeps s JOIN cells c ON c.sweep = s.key JOIN trials t ON t.cell = c.key
        WHERE {OfSweep} AND c.id {dialect.InList("@cells")} AND t.outcome = 'Failed'
        """);

    public Task<ImmutableHashSet<(TrialId Trial, long Fence)>> ReadFailedAsync(IReadOnlyCollection<(TrialId Trial, long Fence)> trials) =>
        ReadAsync<ImmutableHashSet<(TrialId, long)>>(async snapshot =>
        {
            var failed = new HashSet<(TrialId, long)>();
            foreach (var sweep in trials.GroupBy(asked => asked.Trial.Sweep))
                failed.UnionWith(await snapshot.QueryAsync(Failed, row => (new TrialId(sweep.Key, row.GetString(0), row.GetInt32(1)), row.GetInt64(2)),
                    ("@sweep", sweep.Key), ("@cells", snapshot.ListValue(sweep.Select(asked => asked.Trial.Cell).Distinct()))));
            return [.. trials.Where(failed.Contains)];
        }, [], CancellationToken.None);

    private static readonly Sql Counts = new($"""
        SELECT COUNT(*) - COUNT(t.lease) - COUNT(t.outcome), (
                SELECT COUNT(*) FROM sweeps s JOIN trials t ON t.sweep = s.key
                WHERE {OfSweep} AND active AND lease IS NULL AND {SweepContext.Suspect}
            ), COUNT(t.lease), COUNT(t.outcome)
        FROM sweeps s JOIN trials t ON t.sweep = s.key
        WHERE {OfSweep} AND t.active
        """);

    public Task<TrialCounts> CountAsync(string sweepId) => ReadAsync(
        async snapshot => (await snapshot.QueryAsync(Counts,
            row => new TrialCounts(row.GetInt32(0), row.GetInt32(1), row.GetInt32(2), row.GetInt32(3)), ("@sweep", sweepId)))[0],
        default, CancellationToken.None);

    private static readonly Sql Epochs = new($"""
        SELECT e.epoch, e.fence, e.train_loss, e.validation_loss, e.validation_accuracy, e.seconds, e.health, e.ailments
        FROM epochs e WHERE e.trial = (SELECT t.key {ToTrial}) ORDER BY e.epoch
        """);

    public Task<ImmutableArray<EpochResult>> ReadEpochsAsync(TrialId trial, CancellationToken cancellation) => ReadAsync(
        snapshot => snapshot.QueryAsync(Epochs,
            row => new EpochResult(row.GetInt32(0), row.GetInt64(1), NumberAt(row, 2), NumberAt(row, 3), NumberAt(row, 4), row.GetDouble(5),
                row.IsDBNull(6) ? null : GradientHealth.Unpack(row.GetFieldValue<byte[]>(6), AilmentsAt(row, 7) ?? Ailments.None)),
            ValuesOf(trial)),
        [], cancellation);

    private static readonly Sql LastProvenance = new($"""
        SELECT p.code_version, p.libtorch, p.cpu_capability, p.device
        FROM provenances p WHERE p.key = (SELECT t.provenance {ToTrial})
        """);

    public Task<Provenance?> ReadProvenanceAsync(TrialId trial, CancellationToken cancellation) => ReadAsync(
        async snapshot => (await snapshot.QueryAsync(LastProvenance,
            row => new Provenance(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3)), ValuesOf(trial))).SingleOrDefault(),
        null, cancellation);

    private static readonly Sql Checkpoints = new("SELECT DISTINCT checkpoint FROM trials WHERE checkpoint IS NOT NULL");

    public Task<ImmutableHashSet<string>> ReadCheckpointsAsync() => ReadAsync<ImmutableHashSet<string>>(
        async snapshot => [.. await snapshot.QueryAsync(Checkpoints, row => row.GetString(0))], [], CancellationToken.None);

    /// <summary>Queries in one transaction, so that all answers come from the same state.</summary>
    /// <param name="none">The answer if the store does not exist yet.</param>
    private protected abstract Task<T> ReadAsync<T>(Func<Snapshot, Task<T>> read, T none, CancellationToken cancellation);

    private static (string Name, object Value)[] ValuesOf(TrialId trial) =>
        [("@sweep", trial.Sweep), ("@cell", trial.Cell), ("@replicate", trial.Replicate)];

    private static double? NumberAt(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDouble(column);

    private static string? TextAt(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static Outcome OutcomeAt(DbDataReader row, int column) => Enum.Parse<Outcome>(row.GetString(column));

    private static Ailments? AilmentsAt(DbDataReader row, int column) => row.IsDBNull(column) ? null : (Ailments)row.GetInt32(column);

    /// <summary>The overviews of sweeps.</summary>
    /// <param name="which">A condition on a sweep, called <c>s</c>.</param>
    private sealed class Overviews(string which)
    {
        private readonly Sql _sweeps = new($"""
            SELECT s.key, s.id, s.name, s.number, s.status, s.created, s.finished, s.device FROM sweeps s WHERE {which} ORDER BY s.key DESC
            """);

        private readonly Sql _trials = new($"""
            SELECT t.sweep, t.outcome, COUNT(*), COUNT(t.lease) FROM sweeps s JOIN trials t ON t.sweep = s.key
            WHERE {which} AND t.active GROUP BY t.sweep, t.outcome
            """);

        public async Task<ImmutableArray<SweepOverview>> ReadAsync(Snapshot snapshot, params (string Name, object Value)[] values)
        {
            var counts = (await snapshot.QueryAsync(_trials,
                row => (Sweep: row.GetInt64(0), Outcome: row.IsDBNull(1) ? (Outcome?)null : OutcomeAt(row, 1), All: row.GetInt32(2), Leased: row.GetInt32(3)),
                values)).ToLookup(count => count.Sweep);
            return await snapshot.QueryAsync(_sweeps, row =>
            {
                var counted = counts[row.GetInt64(0)];
                return new SweepOverview(row.GetString(1), row.GetString(2), row.GetInt32(3), Enum.Parse<SweepStatus>(row.GetString(4)),
                    DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)),
                    row.IsDBNull(6) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(6)), TextAt(row, 7),
                    counted.Where(count => count.Outcome is null).Sum(count => count.All - count.Leased),
                    counted.Sum(count => count.Leased),
                    counted.Where(count => count.Outcome is not null).ToImmutableDictionary(count => count.Outcome!.Value, count => count.All));
            }, values);
        }
    }
}

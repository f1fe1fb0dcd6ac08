using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Storage.Schema;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Storage.Statements;

/// <summary>The statements that take trials from their leases because their worker is dead or does not answer.</summary>
/// <param name="which">A condition on rows of trials.</param>
internal sealed class Loss(string which)
{
    private readonly Sql _lock = SweepStatements.LockTrials(which);

    private readonly Sql _sweeps = new($"SELECT id FROM sweeps WHERE key IN (SELECT sweep FROM trials WHERE {which}) ORDER BY key");

    // The loss counts against every trial that may have caused it. A trial that progressed since its last loss is counted from the start,
    // because a harmless trial may lose its lease often on unreliable machines.
    private readonly Sql _lose = new($"""
        UPDATE trials SET lease = NULL,
            losses = CASE WHEN reached.epoch > loss_epoch THEN 1 WHEN losses < 2 THEN losses + 1 ELSE losses END,
            losses_alone = CASE WHEN reached.epoch > loss_epoch THEN 0 WHEN losses < 2 THEN 0 ELSE losses_alone + 1 END,
            loss_epoch = CASE WHEN reached.epoch > loss_epoch THEN reached.epoch ELSE loss_epoch END
        FROM (SELECT key AS trial, COALESCE((SELECT MAX(e.epoch) FROM epochs e WHERE e.trial = trials.key), 0) AS epoch
              FROM trials WHERE {which}) AS reached
        WHERE trials.key = reached.trial
        """);

    private static readonly Sql FailKillers = new($"""
        UPDATE trials SET outcome = 'Failed', fence = fence + 1, failure_class = '{FailureClass.WorkerKiller}',
            failure_message = 'The worker that trained it died or fell silent ' || (losses + losses_alone) || ' times, the last '
                || losses_alone || ' times with nothing else to train, and it never got beyond epoch ' || loss_epoch
                || '. Look into the log of its last worker, and at its memory limit; then retry it.',
            checkpoint = NULL, checkpoint_epoch = NULL, retry_at = NULL,
            epochs = (SELECT COUNT(*) FROM epochs e WHERE e.trial = trials.key AND e.epoch > 0),
            seconds = (SELECT COALESCE(SUM(e.seconds), 0.0) FROM epochs e WHERE e.trial = trials.key)
        WHERE {SweepContext.Suspect} AND losses_alone >= 2
        """);

    public LostTrials Take(Session session, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        session.Execute(_lock, values);
        return Lose(session, values);
    }

    /// <summary>Like <see cref="Take"/>, for trials of any sweep.</summary>
    public TakenTrials TakeAll(Session session, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        session.Execute(_lock, values);
        ImmutableArray<string> sweeps = [.. session.Query(_sweeps, row => row.GetString(0), values)];
        return new(sweeps, sweeps.IsEmpty ? LostTrials.None : Lose(session, values));
    }

    private LostTrials Lose(Session session, ReadOnlySpan<(string Name, object? Value)> values) =>
        new(session.Execute(_lose, values), session.Execute(FailKillers));
}

-- LeaseStatements.CloseExpired
UPDATE leases SET expires = NULL WHERE sweep = @sweep AND expires <= @now
RETURNING EXISTS (SELECT 1 FROM trials WHERE lease = leases.key)

-- LeaseStatements.DeleteLease
DELETE FROM leases WHERE key = @lease

-- LeaseStatements.DeviceOf
SELECT device FROM sweeps WHERE key = @sweep

-- LeaseStatements.FindLease
SELECT key FROM leases WHERE sweep = @sweep AND id = @id

-- LeaseStatements.FindProvenance
SELECT key FROM provenances
WHERE code_version = @code AND libtorch = @libtorch AND cpu_capability = @cpu AND device = @device

-- LeaseStatements.GrantMembers
UPDATE trials SET lease = @lease, provenance = @provenance, fence = fence + 1, attempt = attempt + 1, retry_at = NULL
WHERE key = ANY(ARRAY(SELECT key FROM trials WHERE key = ANY(ARRAY(SELECT key FROM trials
WHERE sweep = @sweep AND fusion_key = @fusionKey AND replicate <= @last AND active AND outcome IS NULL AND lease IS NULL AND losses < 2 AND (retry_at IS NULL OR retry_at <= @now OR retry_at > @now + 300000)
  AND checkpoint IS NOT DISTINCT FROM @checkpoint
ORDER BY replicate, position LIMIT @limit)) ORDER BY key FOR NO KEY UPDATE))
  AND outcome IS NULL AND lease IS NULL AND (retry_at IS NULL OR retry_at <= @now OR retry_at > @now + 300000)

-- LeaseStatements.GrantSuspect
UPDATE trials SET lease = @lease, provenance = @provenance, fence = fence + 1, attempt = attempt + 1, retry_at = NULL WHERE key = ANY(ARRAY(SELECT key FROM trials
WHERE sweep = @sweep AND losses >= 2 AND outcome IS NULL AND active AND lease IS NULL AND (retry_at IS NULL OR retry_at <= @now OR retry_at > @now + 300000)
  AND fusion_key = ANY(@fusionKeys)
ORDER BY replicate, position LIMIT 1 FOR NO KEY UPDATE)) AND outcome IS NULL AND lease IS NULL AND (retry_at IS NULL OR retry_at <= @now OR retry_at > @now + 300000)

-- LeaseStatements.HoldsSuspect
SELECT 1 FROM trials t CROSS JOIN leases l
WHERE t.losses >= 2 AND t.outcome IS NULL AND l.key = t.lease AND l.silo = @silo AND l.expires > @now LIMIT 1

-- LeaseStatements.HoldsTrial
SELECT 1 FROM trials t CROSS JOIN leases l
WHERE t.lease IS NOT NULL AND l.key = t.lease AND l.silo = @silo AND l.expires > @now LIMIT 1

-- LeaseStatements.InsertLease
INSERT INTO leases (sweep, id, silo, slot, granted, expires) VALUES (@sweep, @id, @silo, @slot, @now, @expires)
RETURNING key

-- LeaseStatements.InsertProvenance
INSERT INTO provenances (code_version, libtorch, cpu_capability, device) VALUES (@code, @libtorch, @cpu, @device)
ON CONFLICT DO NOTHING

-- LeaseStatements.LockSilo
SELECT pg_advisory_xact_lock(hashtextextended(@name, 0))

-- LeaseStatements.LockTrialsOfLease
SELECT COUNT(*) FROM (SELECT 1 FROM trials WHERE lease = @lease ORDER BY key FOR NO KEY UPDATE) AS locked

-- LeaseStatements.NextHead
SELECT replicate, fusion_key, checkpoint FROM trials
WHERE sweep = @sweep AND active AND outcome IS NULL AND lease IS NULL AND losses < 2 AND (retry_at IS NULL OR retry_at <= @now OR retry_at > @now + 300000) AND fusion_key || '' = ANY(@fusionKeys)
ORDER BY replicate, position LIMIT 1

-- LeaseStatements.NextSuspect
SELECT key FROM trials
WHERE sweep = @sweep AND losses >= 2 AND outcome IS NULL AND active AND lease IS NULL AND (retry_at IS NULL OR retry_at <= @now OR retry_at > @now + 300000)
  AND fusion_key = ANY(@fusionKeys)
ORDER BY replicate, position LIMIT 1

-- LeaseStatements.OfAll_lock
SELECT COUNT(*) FROM (SELECT 1 FROM trials WHERE lease IS NOT NULL ORDER BY key FOR NO KEY UPDATE) AS locked

-- LeaseStatements.OfAll_lose
UPDATE trials SET lease = NULL,
    losses = CASE WHEN reached.epoch > loss_epoch THEN 1 WHEN losses < 2 THEN losses + 1 ELSE losses END,
    losses_alone = CASE WHEN reached.epoch > loss_epoch THEN 0 WHEN losses < 2 THEN 0 ELSE losses_alone + 1 END,
    loss_epoch = CASE WHEN reached.epoch > loss_epoch THEN reached.epoch ELSE loss_epoch END
FROM (SELECT key AS trial, COALESCE((SELECT MAX(e.epoch) FROM epochs e WHERE e.trial = trials.key), 0) AS epoch
      FROM trials WHERE lease IS NOT NULL) AS reached
WHERE trials.key = reached.trial

-- LeaseStatements.OfAll_sweeps
SELECT id FROM sweeps WHERE key IN (SELECT sweep FROM trials WHERE lease IS NOT NULL) ORDER BY key

-- LeaseStatements.OfClosed_lock
SELECT COUNT(*) FROM (SELECT 1 FROM trials WHERE sweep = @sweep AND lease IN (SELECT l.key FROM leases l WHERE l.sweep = @sweep AND l.expires IS NULL) ORDER BY key FOR NO KEY UPDATE) AS locked

-- LeaseStatements.OfClosed_lose
UPDATE trials SET lease = NULL,
    losses = CASE WHEN reached.epoch > loss_epoch THEN 1 WHEN losses < 2 THEN losses + 1 ELSE losses END,
    losses_alone = CASE WHEN reached.epoch > loss_epoch THEN 0 WHEN losses < 2 THEN 0 ELSE losses_alone + 1 END,
    loss_epoch = CASE WHEN reached.epoch > loss_epoch THEN reached.epoch ELSE loss_epoch END
FROM (SELECT key AS trial, COALESCE((SELECT MAX(e.epoch) FROM epochs e WHERE e.trial = trials.key), 0) AS epoch
      FROM trials WHERE sweep = @sweep AND lease IN (SELECT l.key FROM leases l WHERE l.sweep = @sweep AND l.expires IS NULL)) AS reached
WHERE trials.key = reached.trial

-- LeaseStatements.OfClosed_sweeps
SELECT id FROM sweeps WHERE key IN (SELECT sweep FROM trials WHERE sweep = @sweep AND lease IN (SELECT l.key FROM leases l WHERE l.sweep = @sweep AND l.expires IS NULL)) ORDER BY key

-- LeaseStatements.OfSilo_lock
SELECT COUNT(*) FROM (SELECT 1 FROM trials WHERE lease IS NOT NULL AND EXISTS (SELECT 1 FROM leases l WHERE l.key = trials.lease AND l.silo = @silo) ORDER BY key FOR NO KEY UPDATE) AS locked

-- LeaseStatements.OfSilo_lose
UPDATE trials SET lease = NULL,
    losses = CASE WHEN reached.epoch > loss_epoch THEN 1 WHEN losses < 2 THEN losses + 1 ELSE losses END,
    losses_alone = CASE WHEN reached.epoch > loss_epoch THEN 0 WHEN losses < 2 THEN 0 ELSE losses_alone + 1 END,
    loss_epoch = CASE WHEN reached.epoch > loss_epoch THEN reached.epoch ELSE loss_epoch END
FROM (SELECT key AS trial, COALESCE((SELECT MAX(e.epoch) FROM epochs e WHERE e.trial = trials.key), 0) AS epoch
      FROM trials WHERE lease IS NOT NULL AND EXISTS (SELECT 1 FROM leases l WHERE l.key = trials.lease AND l.silo = @silo)) AS reached
WHERE trials.key = reached.trial

-- LeaseStatements.OfSilo_sweeps
SELECT id FROM sweeps WHERE key IN (SELECT sweep FROM trials WHERE lease IS NOT NULL AND EXISTS (SELECT 1 FROM leases l WHERE l.key = trials.lease AND l.silo = @silo)) ORDER BY key

-- LeaseStatements.OpenLeases
SELECT COUNT(DISTINCT lease) FROM trials WHERE sweep = @sweep AND outcome IS NULL AND lease IS NOT NULL

-- LeaseStatements.PinDevice
UPDATE sweeps SET device = @device WHERE key = @sweep AND device IS NULL

-- LeaseStatements.ReleaseTrials
UPDATE trials SET lease = NULL
WHERE lease = @lease AND (SELECT c.id FROM cells c WHERE c.key = cell) || '/r' || replicate = ANY(@trials)

-- LeaseStatements.RenewLeases
UPDATE leases SET expires = @expires
WHERE sweep = @sweep AND id = ANY(@ids) AND EXISTS (SELECT 1 FROM trials WHERE lease = leases.key)
RETURNING id

-- LeaseStatements.TrialsOfLease
SELECT c.id, t.replicate, t.fence, t.attempt, c.configuration, t.checkpoint, t.checkpoint_epoch
FROM trials t JOIN cells c ON c.key = t.cell
WHERE t.lease = @lease ORDER BY t.replicate, t.position

-- Loss.FailKillers
UPDATE trials SET outcome = 'Failed', fence = fence + 1, failure_class = 'worker-killer',
    failure_message = 'The worker that trained it died or fell silent ' || (losses + losses_alone) || ' times, the last '
        || losses_alone || ' times with nothing else to train, and it never got beyond epoch ' || loss_epoch
        || '. Look into the log of its last worker, and at its memory limit; then retry it.',
    checkpoint = NULL, checkpoint_epoch = NULL, retry_at = NULL,
    epochs = (SELECT COUNT(*) FROM epochs e WHERE e.trial = trials.key AND e.epoch > 0),
    seconds = (SELECT COALESCE(SUM(e.seconds), 0.0) FROM epochs e WHERE e.trial = trials.key)
WHERE losses >= 2 AND outcome IS NULL AND losses_alone >= 2

-- ReportStatements.DeleteEpochs
DELETE FROM epochs WHERE (trial, epoch) IN (
    SELECT e.trial, e.epoch FROM unnest(@trial, @first, @fence) AS r (trial, first, fence) CROSS JOIN epochs e
    WHERE e.trial = r.trial AND e.epoch >= r.first AND e.fence <> r.fence)

-- ReportStatements.EndTrials
UPDATE trials SET outcome = r.ended, lease = NULL, train_loss = r.loss, validation_loss = r.loss_validation,
    validation_accuracy = r.accuracy_validation, test_loss = r.loss_test, test_accuracy = r.accuracy_test,
    failure_class = r.class, failure_message = r.message, failure_log = r.log, epochs = r.last, ailments_end = r.ailments,
    checkpoint = NULL, checkpoint_epoch = NULL,
    seconds = (SELECT COALESCE(SUM(e.seconds), 0.0) FROM epochs e WHERE e.trial = trials.key)
FROM unnest(@trial, @ended, @loss, @loss_validation, @accuracy_validation, @loss_test, @accuracy_test, @class, @message, @log, @last, @ailments) AS r (trial, ended, loss, loss_validation, accuracy_validation, loss_test, accuracy_test, class, message, log, last, ailments) WHERE trials.key = r.trial

-- ReportStatements.FencesOfEpochs
SELECT r.trial, r.epoch, (SELECT e.fence FROM epochs e WHERE e.trial = r.trial AND e.epoch = r.epoch),
       (SELECT e.fence FROM epochs e WHERE e.trial = r.trial ORDER BY e.epoch DESC LIMIT 1)
FROM unnest(@trial, @epoch) AS r (trial, epoch)

-- ReportStatements.LockReported
SELECT r.sweep, r.cell, r.replicate, t.key, s.status = 'Deleted', s.max_attempts, t.fence, t.outcome, t.epochs, t.tries,
       t.checkpoint, t.checkpoint_epoch, t.ailments_start
FROM unnest(@sweep, @cell, @replicate) AS r (sweep, cell, replicate) CROSS JOIN sweeps s CROSS JOIN cells c CROSS JOIN trials t
WHERE s.id = r.sweep AND c.sweep = s.key AND c.id = r.cell AND t.cell = c.key AND t.replicate = r.replicate
ORDER BY t.key FOR NO KEY UPDATE OF t

-- ReportStatements.PauseTrials
UPDATE trials SET tries = tries + 1, lease = NULL, fence = fence + 1, retry_at = r.again
FROM unnest(@trial, @again) AS r (trial, again) WHERE trials.key = r.trial

-- ReportStatements.SetCheckpoints
UPDATE trials SET checkpoint = r.saved, checkpoint_epoch = r.saved_epoch, ailments_start = r.start
FROM unnest(@trial, @saved, @saved_epoch, @start) AS r (trial, saved, saved_epoch, start) WHERE trials.key = r.trial

-- ReportStatements.UpsertEpochs
INSERT INTO epochs (trial, epoch, fence, train_loss, validation_loss, validation_accuracy, seconds, health, ailments)
SELECT trial, epoch, fence, train_loss, validation_loss, validation_accuracy, seconds, health, ailments
FROM unnest(@trial, @epoch, @fence, @train_loss, @validation_loss, @validation_accuracy, @seconds, @health, @ailments) AS r (trial, epoch, fence, train_loss, validation_loss, validation_accuracy, seconds, health, ailments) WHERE TRUE
ON CONFLICT (trial, epoch) DO UPDATE SET fence = excluded.fence, train_loss = excluded.train_loss,
    validation_loss = excluded.validation_loss, validation_accuracy = excluded.validation_accuracy,
    seconds = excluded.seconds, health = excluded.health, ailments = excluded.ailments

-- Session.Clock
SELECT CAST(floor(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS bigint)

-- SweepReader.Checkpoints
SELECT DISTINCT checkpoint FROM trials WHERE checkpoint IS NOT NULL

-- SweepReader.Counts
SELECT COUNT(*) - COUNT(t.lease) - COUNT(t.outcome), (
        SELECT COUNT(*) FROM sweeps s JOIN trials t ON t.sweep = s.key
        WHERE s.id = @sweep AND s.status <> 'Deleted' AND active AND lease IS NULL AND losses >= 2 AND outcome IS NULL
    ), COUNT(t.lease), COUNT(t.outcome)
FROM sweeps s JOIN trials t ON t.sweep = s.key
WHERE s.id = @sweep AND s.status <> 'Deleted' AND t.active

-- SweepReader.Ended
SELECT c.id, t.replicate, t.outcome, t.train_loss, t.validation_loss, t.validation_accuracy, t.ailments_end
FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN cells c ON c.key = t.cell
WHERE s.id = @sweep AND s.status <> 'Deleted' AND t.active AND t.outcome IS NOT NULL

-- SweepReader.Epochs
SELECT e.epoch, e.fence, e.train_loss, e.validation_loss, e.validation_accuracy, e.seconds, e.health, e.ailments
FROM epochs e WHERE e.trial = (SELECT t.key FROM sweeps s JOIN cells c ON c.sweep = s.key JOIN trials t ON t.cell = c.key
WHERE s.id = @sweep AND s.status <> 'Deleted' AND c.id = @cell AND t.replicate = @replicate) ORDER BY e.epoch

-- SweepReader.Failed
SELECT c.id, t.replicate, t.fence FROM sweeps s JOIN cells c ON c.sweep = s.key JOIN trials t ON t.cell = c.key
WHERE s.id = @sweep AND s.status <> 'Deleted' AND c.id = ANY(@cells) AND t.outcome = 'Failed'

-- SweepReader.LastProvenance
SELECT p.code_version, p.libtorch, p.cpu_capability, p.device
FROM provenances p WHERE p.key = (SELECT t.provenance FROM sweeps s JOIN cells c ON c.sweep = s.key JOIN trials t ON t.cell = c.key
WHERE s.id = @sweep AND s.status <> 'Deleted' AND c.id = @cell AND t.replicate = @replicate)

-- SweepReader.LatestNumber
SELECT COALESCE(MAX(number), 0) FROM sweeps WHERE name = @name

-- SweepReader.OfAllSweeps_sweeps
SELECT s.key, s.id, s.name, s.number, s.status, s.created, s.finished, s.device FROM sweeps s WHERE s.status <> 'Deleted' ORDER BY s.key DESC

-- SweepReader.OfAllSweeps_trials
SELECT t.sweep, t.outcome, COUNT(*), COUNT(t.lease) FROM sweeps s JOIN trials t ON t.sweep = s.key
WHERE s.status <> 'Deleted' AND t.active GROUP BY t.sweep, t.outcome

-- SweepReader.OfOneSweep_sweeps
SELECT s.key, s.id, s.name, s.number, s.status, s.created, s.finished, s.device FROM sweeps s WHERE s.id = @sweep AND s.status <> 'Deleted' ORDER BY s.key DESC

-- SweepReader.OfOneSweep_trials
SELECT t.sweep, t.outcome, COUNT(*), COUNT(t.lease) FROM sweeps s JOIN trials t ON t.sweep = s.key
WHERE s.id = @sweep AND s.status <> 'Deleted' AND t.active GROUP BY t.sweep, t.outcome

-- SweepReader.Results
SELECT c.id, t.replicate, t.outcome, t.train_loss, t.validation_loss, t.validation_accuracy, t.test_loss, t.test_accuracy,
    t.epochs, t.seconds, t.fence, t.failure_class, t.failure_message, t.failure_log, t.ailments_start, t.ailments_end
FROM sweeps s JOIN trials t ON t.sweep = s.key JOIN cells c ON c.key = t.cell
WHERE s.id = @sweep AND s.status <> 'Deleted' AND t.active AND t.outcome IS NOT NULL ORDER BY t.position, t.replicate

-- SweepReader.Text
SELECT s.text FROM sweeps s WHERE s.id = @sweep AND s.status <> 'Deleted'

-- SweepReader.Tombstones
SELECT id FROM sweeps WHERE status = 'Deleted' AND resolved <> '' ORDER BY key

-- SweepReader.Unfinished
SELECT id FROM sweeps WHERE status = 'Running' ORDER BY key

-- SweepStatements.AnalyzeTables
ANALYZE sweeps, cells, trials

-- SweepStatements.CancelSweep
UPDATE sweeps SET status = 'Cancelled', finished = @now WHERE key = @key AND status IN ('Running', 'Paused')

-- SweepStatements.CancelTrials
UPDATE trials SET outcome = 'Cancelled', fence = fence + 1, lease = NULL, checkpoint = NULL, checkpoint_epoch = NULL,
    retry_at = NULL, epochs = (SELECT COUNT(*) FROM epochs WHERE trial = trials.key AND epoch > 0),
    seconds = (SELECT COALESCE(SUM(seconds), 0.0) FROM epochs WHERE trial = trials.key)
WHERE sweep = @key AND outcome IS NULL

-- SweepStatements.CheckpointsInUse
SELECT DISTINCT checkpoint FROM trials WHERE checkpoint = ANY(@files)

-- SweepStatements.DeactivateCells
UPDATE cells SET active = FALSE WHERE sweep = @key

-- SweepStatements.DeleteSweep
UPDATE sweeps SET status = 'Deleted', fence = fence + 1 WHERE key = @key

-- SweepStatements.EndIfNoneIsOpen
UPDATE sweeps SET finished = @now, status = CASE
    WHEN EXISTS (SELECT 1 FROM trials WHERE sweep = @key AND active AND outcome = 'Cancelled') THEN 'Cancelled' ELSE 'Finished' END
WHERE key = @key AND status IN ('Running', 'Paused')
  AND NOT EXISTS (SELECT 1 FROM trials WHERE sweep = @key AND active AND outcome IS NULL)

-- SweepStatements.FenceTrialsOff
UPDATE trials SET fence = fence + 1, lease = NULL WHERE sweep = @key

-- SweepStatements.FirstTrials
SELECT key, checkpoint FROM trials WHERE sweep = @key ORDER BY key LIMIT @trials

-- SweepStatements.InsertCells
INSERT INTO cells (sweep, id, position, configuration, fusion_key, active)
SELECT sweep, id, position, configuration, fusion_key, TRUE
FROM unnest(@sweep, @id, @position, @configuration, @fusion_key) AS r (sweep, id, position, configuration, fusion_key) WHERE TRUE
ON CONFLICT (sweep, id) DO UPDATE SET position = excluded.position, active = TRUE

-- SweepStatements.InsertSweep
INSERT INTO sweeps (id, name, number, status, created, fence, text, resolved, hash, max_attempts)
VALUES (@id, @name, @number, 'Running', @now, 0, @text, @resolved, @hash, @maxAttempts)
ON CONFLICT (id) DO NOTHING
RETURNING key

-- SweepStatements.InsertTrials
WITH RECURSIVE replicates (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM replicates WHERE number < @replicates)
INSERT INTO trials (sweep, cell, replicate, position, fusion_key, active, fence, attempt, epochs, seconds,
    tries, losses, losses_alone, loss_epoch)
SELECT c.sweep, c.key, r.number, c.position, c.fusion_key, TRUE, 0, 0, 0, 0, 0, 0, 0, 0
FROM replicates r CROSS JOIN cells c WHERE c.sweep = @sweep AND c.active ORDER BY r.number, c.position
ON CONFLICT (cell, replicate) DO NOTHING

-- SweepStatements.LockAllTrials
SELECT COUNT(*) FROM (SELECT 1 FROM trials WHERE sweep = @key ORDER BY key FOR NO KEY UPDATE) AS locked

-- SweepStatements.LockOpenTrials
SELECT COUNT(*) FROM (SELECT 1 FROM trials WHERE sweep = @key AND outcome IS NULL ORDER BY key FOR NO KEY UPDATE) AS locked

-- SweepStatements.LockRetryableTrials
SELECT COUNT(*) FROM (SELECT 1 FROM trials WHERE sweep = @key AND outcome IN ('Failed', 'Cancelled') ORDER BY key FOR NO KEY UPDATE) AS locked

-- SweepStatements.LockSweep
SELECT key, CAST(floor(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS bigint) FROM sweeps WHERE id = @id AND fence = @fence FOR NO KEY UPDATE

-- SweepStatements.LockTombstone
SELECT key FROM sweeps WHERE id = @id AND status = 'Deleted' AND resolved <> '' FOR NO KEY UPDATE

-- SweepStatements.PauseSweep
UPDATE sweeps SET status = 'Paused' WHERE key = @key AND status = 'Running'

-- SweepStatements.PlaceTrials
UPDATE trials SET active = named.active, position = named.position
FROM (SELECT t.key, c.position, c.active AND t.replicate <= @replicates AS active
      FROM cells c JOIN trials t ON t.cell = c.key WHERE c.sweep = @key) AS named
WHERE trials.key = named.key AND (trials.active <> named.active OR trials.position <> named.position)

-- SweepStatements.RaiseFence
UPDATE sweeps SET fence = fence + 1 WHERE id = @id AND status <> 'Deleted' RETURNING fence, text, status, device

-- SweepStatements.RemoveCells
DELETE FROM cells WHERE sweep = @key

-- SweepStatements.RemoveEpochs
DELETE FROM epochs WHERE trial IN (SELECT key FROM trials WHERE sweep = @key AND key <= @last)

-- SweepStatements.RemoveLeases
DELETE FROM leases WHERE sweep = @key

-- SweepStatements.RemoveTexts
UPDATE sweeps SET text = '', resolved = '' WHERE key = @key

-- SweepStatements.RemoveTrials
DELETE FROM trials WHERE sweep = @key AND key <= @last

-- SweepStatements.ReplaceText
UPDATE sweeps SET text = @text, resolved = @resolved, hash = @hash, max_attempts = @maxAttempts WHERE key = @key

-- SweepStatements.ResumeSweep
UPDATE sweeps SET status = 'Running' WHERE key = @key AND status = 'Paused'

-- SweepStatements.RetryTrials
UPDATE trials SET outcome = NULL, fence = fence + 1, train_loss = NULL, validation_loss = NULL, validation_accuracy = NULL,
    test_loss = NULL, test_accuracy = NULL, epochs = 0, seconds = 0, ailments_end = NULL,
    failure_class = NULL, failure_message = NULL, failure_log = NULL,
    tries = 0, losses = 0, losses_alone = 0, loss_epoch = 0, retry_at = NULL
WHERE sweep = @key AND active AND outcome IN ('Failed', 'Cancelled')

-- SweepStatements.RunUnlessPaused
UPDATE sweeps SET status = 'Running', finished = NULL WHERE key = @key AND status <> 'Paused'

-- SweepStatements.Status
SELECT status FROM sweeps WHERE key = @key

-- TransactionThreads.StopWaiting
SET LOCAL lock_timeout = '200ms'


using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Sweeps.Spec;
using Orleans.Runtime.Messaging;

namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>Submits a sweep file to its coordinator, and reports the outcome on stderr.</summary>
internal static class Submitter
{
    /// <summary>Submits a new sweep, or resumes or extends the latest one of the same name, which may also have ended.</summary>
    /// <exception cref="UserException">The file contradicts the stored sweep.</exception>
    public static async Task<Submission> SubmitAsync(
        SweepConnection connection, Sweep sweep, bool asNew, CancellationToken cancellation)
    {
        var latest = await connection.Reader.LatestNumberAsync(sweep.Name, CancellationToken.None);
        var number = asNew ? latest + 1 : Math.Max(1, latest);
        while (true)
        {
            var submission = await SubmitAsync(connection, $"{sweep.Name}-{number}", sweep, asNew, cancellation);
            if (submission.Kind is SubmissionKind.Taken)
            {
                // Another process has taken this number since the lookup.
                number++;
                continue;
            }
            Tell(sweep, submission, connection.Owner);
            return submission;
        }
    }

    /// <summary>Replaces the file of a stored sweep.</summary>
    public static async Task<Submission> SubmitAsync(SweepConnection connection, string sweepId, Sweep sweep, CancellationToken cancellation)
    {
        var submission = await SubmitAsync(connection, sweepId, sweep, asNew: false, cancellation);
        Tell(sweep, submission, connection.Owner);
        return submission;
    }

    private static async Task<Submission> SubmitAsync(
        SweepConnection connection, string sweepId, Sweep sweep, bool asNew, CancellationToken cancellation)
    {
        try
        {
            return await Patience.AwaitAsync(
                connection.Grains.Sweep(sweepId).Submit(sweep.Text, asNew), $"waiting until {sweepId} with its {sweep.TrialCount} trials is stored",
                connection, TimeProvider.System, cancellation);
        }
        catch (Exception error) when (asNew && SweepConnection.IsSilence(error) && error is not ConnectionFailedException)
        {
            throw new UserException(ExitCode.NotFound,
                $"{connection.Owner ?? "this process"} did not say whether {sweepId} is stored. Look with 'deeptrain list' before you repeat --new, "
                + $"which would store it twice. ({error.Message})");
        }
    }

    private static void Tell(Sweep sweep, Submission submission, string? owner)
    {
        var size = $"{sweep.Cells.Length} cells x {sweep.Replicates} replicates";
        var said = submission.Kind switch
        {
            SubmissionKind.Created => $"{submission.SweepId}: {size} = {sweep.TrialCount} trials",
            SubmissionKind.Resumed => $"{submission.SweepId}: resuming, {size}",
            SubmissionKind.Ended => $"{submission.SweepId}: ended before; its results follow. Start afresh with --new",
            SubmissionKind.Extended => $"{submission.SweepId}: "
                + (submission.AddedTrials > 0 ? $"extended, +{submission.AddedTrials} trials" : "changed") + $", now {size}"
                + (submission.RemovedTrials > 0
                    ? $"; {submission.RemovedTrials} trials that the file no longer names stay stored, out of the comparison"
                    : ""),
            _ => throw new UserException(ExitCode.BadInput, string.Join(Environment.NewLine,
            [
                $"{submission.SweepId} is stored with other settings that results depend on:",
                .. submission.Differences.Select(difference => $"  {difference}"),
                "Run it under --new, or give the file another name.",
            ])),
        };
        Console.Error.WriteLine(owner is not null ? $"{said} (trained by {owner})" : said);
    }
}

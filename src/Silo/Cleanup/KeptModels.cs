using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Silo.Cleanup;

/// <summary>Deletes the models of ended sweeps, except those that the sweep's file says to keep.</summary>
internal sealed class KeptModels(ISweepReader store)
{
    private readonly Dictionary<string, (DateTimeOffset? Finished, string Text)> _clean = [];

    /// <param name="models">The folder of a sweep.</param>
    /// <exception cref="IOException">Some could not be deleted; all others have been.</exception>
    public async Task CleanAsync(DirectoryInfo models, CancellationToken cancellation)
    {
        if (await store.FindAsync(models.Name, cancellation) is not { Status: SweepStatus.Finished or SweepStatus.Cancelled } overview
            || await store.ReadTextAsync(models.Name, cancellation) is not { } text
            || (_clean.TryGetValue(models.Name, out var seen) && seen == (overview.Finished, text)))
            return;
        // Which cell of a cancelled sweep is the best may change: its cancelled trials can be retried.
        if (SweepFile.Declare(text) is { Keep: not Keep.All } declaration && (overview.Status is SweepStatus.Finished || declaration.Keep is Keep.None))
        {
            // The cells are needed only to find the best one.
            var best = declaration.Keep is Keep.Best && SweepFile.Parse(text, models.Name).Sweep is { } sweep
                ? SweepSummary.Of(sweep, await store.ReadResultsAsync(models.Name, cancellation)).Best?.Cell.Id
                : null;
            FileDeletion.DeleteAll(
                models.GetFiles().Where(file => best is null || !file.Name.StartsWith($"{best}-r", StringComparison.Ordinal)), cancellation);
        }
        _clean[models.Name] = (overview.Finished, text);
    }
}

using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo;

/// <summary>The models of ended sweeps: those that the sweep's file wants kept stay. Whatever a crash left is cleaned by the next look.</summary>
internal sealed class KeptModels(DataFolder folder, ISweepReader store)
{
    private readonly Dictionary<string, (DateTimeOffset? Finished, string Text)> _clean = [];

    public async Task CleanAsync()
    {
        if (!Directory.Exists(folder.Models))
            return;
        foreach (var models in new DirectoryInfo(folder.Models).EnumerateDirectories())
        {
            if (await store.FindAsync(models.Name, CancellationToken.None) is not { Status: SweepStatus.Finished or SweepStatus.Cancelled } overview
                || await store.ReadTextAsync(models.Name, CancellationToken.None) is not { } text
                || (_clean.TryGetValue(models.Name, out var seen) && seen == (overview.Finished, text)))
                continue;
            if (SweepFile.Declare(text) is { Keep: not Keep.All } declaration)
                await CleanAsync(models, declaration);
            _clean[models.Name] = (overview.Finished, text);
        }
    }

    private async Task CleanAsync(DirectoryInfo models, SweepDeclaration declaration)
    {
        var best = declaration.Keep is Keep.Best && SweepFile.Parse(declaration.Text, models.Name).Sweep is { } sweep
            ? SweepSummary.Of(sweep, await store.ReadResultsAsync(models.Name, CancellationToken.None)).Best?.Cell.Id
            : null;
        foreach (var file in models.EnumerateFiles().Where(file => best is null || !file.Name.StartsWith($"{best}-r", StringComparison.Ordinal)))
            file.Delete();
    }
}

using System.Collections.Immutable;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Training.Files;

namespace DeepTrain.Cluster.Silo.Cleanup;

/// <summary>Deletes stored data files that no sweep names any more, and unfinished copies.</summary>
/// <remarks>
/// A file is stale only when it is an hour old: submitting a sweep stores its data file, or renews the time of the stored one, before
/// the sweep is stored.
/// </remarks>
internal sealed partial class StaleDataFiles(DataFolder folder, ISweepReader store, TimeProvider time)
{
    private static readonly TimeSpan Respite = TimeSpan.FromHours(1);

    private ImmutableHashSet<string> _named = [];
    private DateTimeOffset _namedAt = DateTimeOffset.MinValue;

    /// <exception cref="IOException">A file cannot be deleted; the others are.</exception>
    public async Task DeleteAsync(CancellationToken cancellation)
    {
        if (!Directory.Exists(folder.Datasets))
            return;
        var old = new DirectoryInfo(folder.Datasets).GetFiles().Where(file => Kept().IsMatch(file.Name) && IsOld(file)).ToList();
        if (old.TrueForAll(file => _named.Contains(file.Name)) && time.GetUtcNow() - _namedAt < Respite)
            return;
        // Read after the files were listed: a sweep that was stored since then has renewed its file's time before.
        (_named, _namedAt) = (await NamedAsync(cancellation), time.GetUtcNow());
        var failures = new List<string>();
        foreach (var file in old.Where(file => !_named.Contains(file.Name)))
        {
            try
            {
                file.Refresh();
                if (IsOld(file))
                    file.Delete();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                failures.Add($"{file.FullName} cannot be deleted: {error.Message}");
            }
        }
        if (failures.Count > 0)
            throw new IOException(string.Join(" ", failures));
    }

    /// <summary>The names of the stored files that the store's sweeps train on.</summary>
    private async Task<ImmutableHashSet<string>> NamedAsync(CancellationToken cancellation)
    {
        var named = ImmutableHashSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (var sweep in await store.ListAsync(cancellation))
        {
            if (await store.ReadTextAsync(sweep.Id, cancellation) is { } text && SweepFile.DataContentOf(text) is { } content)
                named.Add(content);
        }
        return named.ToImmutable();
    }

    /// <summary>A file that was deleted meanwhile counts as old, and deleting it again does nothing.</summary>
    private bool IsOld(FileInfo file) => time.GetUtcNow() - file.LastWriteTimeUtc > Respite;

    /// <summary>The names of stored data files and unfinished copies; no other files are deleted.</summary>
    [GeneratedRegex($@"\A([0-9a-f]{{64}}|.*\{DurableFile.DraftExtension})\z", RegexOptions.CultureInvariant)]
    private static partial Regex Kept();
}

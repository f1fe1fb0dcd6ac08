namespace DeepTrain.Cluster.Silo.Cleanup;

/// <summary>Deletes files independently: one that cannot be deleted does not prevent the others.</summary>
internal static class FileDeletion
{
    /// <exception cref="IOException">Some could not be deleted; all others have been.</exception>
    public static void DeleteAll(IEnumerable<FileInfo> files, CancellationToken cancellation)
    {
        var failures = new List<(string Path, Exception Error)>();
        foreach (var file in files)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                file.Delete();
            }
            catch (DirectoryNotFoundException)
            {
                // Another process has deleted it.
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                failures.Add((file.FullName, error));
            }
        }
        if (failures is [var (path, first), ..])
            throw new IOException(failures.Count == 1
                ? $"{path} cannot be deleted: {first.Message}"
                : $"{failures.Count} files cannot be deleted, {path} for one: {first.Message}", first);
    }

    /// <summary>Deletes a folder with all its content, if it exists.</summary>
    /// <exception cref="IOException">Some of its files could not be deleted; all others have been.</exception>
    public static void DeleteFolder(string path, CancellationToken cancellation)
    {
        var folder = new DirectoryInfo(path);
        if (!folder.Exists)
            return;
        DeleteAll(folder.GetFiles("*", SearchOption.AllDirectories), cancellation);
        folder.Delete(recursive: true);
    }
}

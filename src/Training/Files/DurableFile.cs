using System.ComponentModel;
using System.Runtime.InteropServices;

namespace DeepTrain.Cluster.Training.Files;

/// <summary>Writes files that are there as a whole or not at all, whenever the power fails.</summary>
public static partial class DurableFile
{
    /// <summary>What the names of unfinished files end with: a process that was killed may leave one.</summary>
    public const string DraftExtension = ".part";

    private const int ReadOnly = 0;
    private const int InvalidArgument = 22;

    /// <summary>
    /// Replaces <paramref name="path"/>; creates its folder where needed. A symbolic link stays, and what it leads to is replaced; a device
    /// or a pipe stays too, and is written to.
    /// </summary>
    /// <param name="write">May read what it has written.</param>
    /// <param name="isDurable">Whether it waits for the disk; otherwise a failing power may leave a part of the file.</param>
    /// <exception cref="IOException">It cannot be written; what was there before still is.</exception>
    public static void Write(string path, Action<Stream> write, bool isDurable = true)
    {
        if (SpecialFile.IsAt(path))
        {
            WriteThrough(path, write);
            return;
        }
        var target = new FileInfo(path).LinkTarget is null ? Path.GetFullPath(path) : File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName;
        var folder = Path.GetDirectoryName(target)!;
        Directory.CreateDirectory(folder);
        // Two that write the same file at once must not write into each other's draft.
        var draft = $"{target}.{Guid.NewGuid():N}{DraftExtension}";
        try
        {
            using (var stream = new FileStream(draft, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: isDurable);
            }
            File.Move(draft, target, overwrite: true);
            if (isDurable)
                FlushFolder(folder);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }

    /// <summary>What has been written cannot be read back from a pipe: it is written elsewhere first.</summary>
    private static void WriteThrough(string path, Action<Stream> write)
    {
        using var draft = new FileStream(
            Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}{DraftExtension}"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None,
            bufferSize: 1 << 16, FileOptions.DeleteOnClose);
        write(draft);
        draft.Position = 0;
        using var target = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        draft.CopyTo(target);
    }

    /// <summary>Makes a folder's list of files durable. .NET opens no folders, and Windows needs none of it.</summary>
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        var handle = Open(folder, ReadOnly);
        if (handle < 0)
            throw Failure(folder);
        try
        {
            // Some network file systems take no such call for folders, and are no worse for it.
            if (Sync(handle) != 0 && Marshal.GetLastPInvokeError() != InvalidArgument)
                throw Failure(folder);
        }
        finally
        {
            _ = Close(handle);
        }
    }

    private static IOException Failure(string folder) =>
        new($"{folder}: the folder cannot be made durable ({new Win32Exception(Marshal.GetLastPInvokeError()).Message}).");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}

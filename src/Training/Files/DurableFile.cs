using System.ComponentModel;
using System.Runtime.InteropServices;

namespace DeepTrain.Cluster.Training.Files;

/// <summary>Writes files so that a power failure leaves either the whole file or none.</summary>
public static partial class DurableFile
{
    /// <summary>The extension of unfinished files. A killed process may leave one behind.</summary>
    public const string DraftExtension = ".part";

    private const int ReadOnly = 0;
    private const int InvalidArgument = 22;

    /// <summary>
    /// Replaces <paramref name="path"/> and creates its folder if needed. If it is a symbolic link, its target is replaced; a device or
    /// pipe is not replaced but written to.
    /// </summary>
    /// <param name="write">Writes the content. It may also read what it has written.</param>
    /// <param name="isDurable">Whether to wait for the disk. Otherwise a power failure may leave a partial file.</param>
    /// <exception cref="IOException">The file cannot be written. An existing file is unchanged.</exception>
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
        // Concurrent writers of the same file need separate drafts.
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

    /// <summary>Writes to a temporary file first, because data written to a pipe cannot be read back.</summary>
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

    /// <summary>Makes the file list of a folder durable. .NET cannot open folders, and Windows does not need it.</summary>
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        var handle = Open(folder, ReadOnly);
        if (handle < 0)
            throw Failure(folder);
        try
        {
            // Some network file systems do not support this call for folders, which does no harm.
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

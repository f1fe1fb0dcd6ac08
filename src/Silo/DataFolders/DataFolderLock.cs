using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Silo.DataFolders;

/// <summary>The right to write to a data folder. The operating system releases it when the process ends, however it ends.</summary>
public sealed class DataFolderLock : IDisposable
{
    private static readonly TimeSpan LookTime = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly FileStream _lock;

    private DataFolderLock(DataFolder folder, FileStream @lock)
    {
        Folder = folder;
        _lock = @lock;
    }

    public DataFolder Folder { get; }

    /// <summary>
    /// Creates the folder if needed and becomes its owner; null if it already has an owner, or if another process locks the file for
    /// longer than a check for an owner takes.
    /// </summary>
    /// <exception cref="StoreException">The folder cannot be created or written.</exception>
    public static DataFolderLock? TryAcquire(DataFolder folder)
    {
        folder.Create();
        try
        {
            var began = Stopwatch.GetTimestamp();
            do
            {
                if (TryOpen(folder, FileAccess.ReadWrite, FileShare.None) is { } stream)
                    return Own(folder, stream);
                // Refused by an owner, or by a process that briefly checks whether there is one.
                if (IsHeld(folder))
                    return null;
                // There is no event for the release of another process's lock.
                Thread.Sleep(Pause);
            }
            while (Stopwatch.GetElapsedTime(began) < LookTime);
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw folder.Unusable(error);
        }
    }

    /// <summary>Publishes how to reach this process. Other processes see the old file or the new one, never a part.</summary>
    public void Publish(Gateway gateway)
    {
        var draft = $"{Folder.GatewayFile}.new";
        // An old draft would keep its permissions.
        File.Delete(draft);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(draft, options))
            JsonSerializer.Serialize(stream, gateway);
        File.Move(draft, Folder.GatewayFile, overwrite: true);
    }

    public void Dispose()
    {
        if (!_lock.CanWrite)
            return;
        // The lock file is not deleted: that could delete the lock of the next owner.
        using (_lock)
            File.Delete(Folder.GatewayFile);
    }

    /// <summary>Whether a process owns the folder.</summary>
    internal static bool IsHeld(DataFolder folder)
    {
        if (!File.Exists(folder.LockFile))
            return false;
        // A shared lock is compatible with those of other checks; only an owner's lock refuses it.
        using var stream = TryOpen(folder, FileAccess.Read, FileShare.Read);
        return stream is null;
    }

    private static DataFolderLock Own(DataFolder folder, FileStream stream)
    {
        // The last owner may have been killed.
        File.Delete(folder.GatewayFile);
        stream.SetLength(0);
        stream.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
        stream.Flush();
        return new(folder, stream);
    }

    /// <returns>Null if another process's lock forbids it.</returns>
    private static FileStream? TryOpen(DataFolder folder, FileAccess access, FileShare share)
    {
        try
        {
            return new(folder.LockFile, access == FileAccess.Read ? FileMode.Open : FileMode.OpenOrCreate, access, share, bufferSize: 0);
        }
        catch (IOException error) when (IsSharingViolation(error))
        {
            return null;
        }
    }

    // .NET reports EWOULDBLOCK (11 on Linux, 35 on macOS) of flock, and ERROR_SHARING_VIOLATION on Windows.
    private static bool IsSharingViolation(IOException error) =>
        error.HResult is 11 or 35 or unchecked((int)0x80070020);
}

using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Silo.DataFolders;

/// <summary>The right to write in a data folder. The operating system ends it with the process, however that ends.</summary>
public sealed class DataFolderLock : IDisposable
{
    private static readonly TimeSpan LookTime = TimeSpan.FromSeconds(0.5);

    private readonly FileStream _lock;

    private DataFolderLock(DataFolder folder, FileStream @lock)
    {
        Folder = folder;
        _lock = @lock;
    }

    public DataFolder Folder { get; }

    /// <summary>
    /// Creates the folder where needed and becomes its owner; null if it has an owner already, or if somebody else keeps a lock on its
    /// file for longer than a look takes.
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
                // Refused: by an owner, or by somebody who just looks whether there is one, and is gone in a moment.
                if (IsHeld(folder))
                    return null;
            }
            while (Stopwatch.GetElapsedTime(began) < LookTime);
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw folder.Unusable(error);
        }
    }

    /// <summary>Tells other processes how to reach this one. They see the old file or the new one, never a part.</summary>
    public void Publish(Gateway gateway)
    {
        var draft = $"{Folder.GatewayFile}.new";
        // An older draft would keep its own permissions.
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
        // The lock's file stays: whoever deleted it could delete the lock of the next owner.
        using (_lock)
            File.Delete(Folder.GatewayFile);
    }

    /// <summary>Whether a process owns the folder.</summary>
    internal static bool IsHeld(DataFolder folder)
    {
        if (!File.Exists(folder.LockFile))
            return false;
        // A shared lock stands beside those of others who look, and is refused by an owner's only.
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

    /// <returns>Null if another's lock forbids it.</returns>
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

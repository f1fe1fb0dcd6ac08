using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Silo.DataFolders;

/// <summary>Where an embedded store keeps everything. Naming one touches nothing; its owner's lock creates it.</summary>
/// <param name="path">As the user named it; relative to the current folder.</param>
public sealed class DataFolder(string path)
{
    private static readonly JsonSerializerOptions Strict =
        new() { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>SQLite's limit of 512 bytes, less those that it appends to the names of its journal and its log.</summary>
    private const int LongestDatabase = 504;

    public string Root { get; } = Path.GetFullPath(path);

    public string Database => Path.Combine(Root, "sweeps.db");

    public string Checkpoints => Path.Combine(Root, "checkpoints");

    /// <summary>A folder a sweep, a file a trial.</summary>
    public string Models => Path.Combine(Root, "models");

    public string Reports => Path.Combine(Root, "reports");

    /// <summary>The data files of submitted sweeps, each under its SHA-256.</summary>
    public string Datasets => Path.Combine(Root, "datasets");

    public string Logs => Path.Combine(Root, "logs");

    /// <summary>The file on which its owner holds a lock.</summary>
    public string LockFile => Path.Combine(Root, "owner.lock");

    internal string GatewayFile => Path.Combine(Root, "gateway.json");

    /// <summary>Creates the folder with its sub-folders where they are not there yet.</summary>
    /// <exception cref="StoreException">It cannot be created.</exception>
    public void Create()
    {
        if (Encoding.UTF8.GetByteCount(Database) is > LongestDatabase and var length)
            throw new StoreException($"{Root}: the path of this data folder is too long: its database's path has {length} bytes, and SQLite opens at most "
                + $"{LongestDatabase}. Name a folder with a shorter path.");
        try
        {
            foreach (var path in (string[])[Root, Checkpoints, Models, Reports, Logs])
                Directory.CreateDirectory(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Unusable(error);
        }
    }

    /// <summary>Bytes that may still be written there; none where the system does not say.</summary>
    internal IEnumerable<Measurement<long>> FreeSpace()
    {
        try
        {
            return [new(new DriveInfo(Root).AvailableFreeSpace)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return [];
        }
    }

    internal StoreException Unusable(Exception error) =>
        new($"{Root}: this cannot be a data folder ({error.Message}). Name a folder that can be created and written.", error);

    /// <summary>
    /// How to reach the folder's owner; null if it has none, or it has not said so yet. An owner may end at any time: be ready for a
    /// gateway that does not answer, and read again.
    /// </summary>
    public Gateway? ReadGateway()
    {
        try
        {
            return JsonSerializer.Deserialize<Gateway>(File.ReadAllText(GatewayFile), Strict) is { } gateway && DataFolderLock.IsHeld(this)
                ? gateway
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}

using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Silo.DataFolders;

/// <summary>The folder with all files of an embedded store. This object creates nothing; the owner's lock creates the folder.</summary>
/// <param name="path">The path that the user gave; relative to the current folder.</param>
public sealed class DataFolder(string path)
{
    private static readonly JsonSerializerOptions Strict =
        new() { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>SQLite's limit of 512 bytes, less those that it appends to the names of its journal and its log.</summary>
    private const int LongestDatabase = 504;

    public string Root { get; } = Path.GetFullPath(path);

    public string Database => Path.Combine(Root, "sweeps.db");

    public string Checkpoints => Path.Combine(Root, "checkpoints");

    /// <summary>Contains one folder per sweep, with one file per trial.</summary>
    public string Models => Path.Combine(Root, "models");

    public string Reports => Path.Combine(Root, "reports");

    /// <summary>The data files of submitted sweeps, each named by its SHA-256.</summary>
    public string Datasets => Path.Combine(Root, "datasets");

    public string Logs => Path.Combine(Root, "logs");

    /// <summary>The file that the owner locks.</summary>
    public string LockFile => Path.Combine(Root, "owner.lock");

    internal string GatewayFile => Path.Combine(Root, "gateway.json");

    /// <summary>Creates the folder and its subfolders if they do not exist.</summary>
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

    /// <summary>The bytes that can still be written there; empty if the system does not report it.</summary>
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
    /// How to reach the folder's owner; null if it has none or has not published it yet. An owner may end at any time: if the gateway does
    /// not answer, read it again.
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

namespace DeepTrain.Cluster.Training.Data;

/// <summary>Where data sets that are not embedded are looked for, in this order: a folder given, Debian's, the cache, the network.</summary>
public sealed record DatasetSources
{
    /// <summary>As the environment says.</summary>
    public static DatasetSources Default { get; } = new();

    /// <summary>The environment variable that gives a folder.</summary>
    public const string Variable = "DEEPTRAIN_DATASETS";

    /// <summary>The folder that a person gave: files are looked for in its sub-folder of the data set's name, and in itself.</summary>
    public string? Given { get; init; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : null;

    /// <summary>Where Debian's packages <c>dataset-*</c> put theirs.</summary>
    public string System { get; init; } = "/usr/share/datasets";

    /// <summary>Where downloads are kept, for all who work under this account.</summary>
    public string Cache { get; init; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache)
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "deeptrain", "datasets");

    /// <summary>Where the data files of submitted sweeps are kept, each under its SHA-256; null: nowhere.</summary>
    public string? Kept { get; init; }

    /// <summary>What is in memory already.</summary>
    internal DatasetMemory Memory { get; init; } = DatasetMemory.OfProcess;

    /// <summary>Makes the client of a download, without a time-out of its own; null: nothing is downloaded.</summary>
    public Func<HttpClient>? Network { get; init; } = static () => new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>The folders that may hold a data set's files, the first to be tried first.</summary>
    internal IEnumerable<string> FoldersOf(string name) =>
        [.. Given is null ? Array.Empty<string>() : [Path.Combine(Given, name), Given], Path.Combine(System, name), Path.Combine(Cache, name)];
}

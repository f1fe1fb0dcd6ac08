namespace DeepTrain.Cluster.Training.Data;

/// <summary>Where to find data sets that are not embedded, in this order: the user's folder, Debian's, the cache, the network.</summary>
public sealed record DatasetSources
{
    /// <summary>The sources that the environment defines.</summary>
    public static DatasetSources Default { get; } = new();

    /// <summary>The environment variable that names the user's folder.</summary>
    public const string Variable = "DEEPTRAIN_DATASETS";

    /// <summary>The user's folder. Files are searched in its sub-folder with the name of the data set, then in the folder itself.</summary>
    public string? Given { get; init; } = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : null;

    /// <summary>The folder of Debian's packages <c>dataset-*</c>.</summary>
    public string System { get; init; } = "/usr/share/datasets";

    /// <summary>The folder for downloads, shared by all programs of this account.</summary>
    public string Cache { get; init; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache)
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "deeptrain", "datasets");

    /// <summary>The folder with the data files of submitted sweeps, each named by its SHA-256; null where there is none.</summary>
    public string? Kept { get; init; }

    /// <summary>The data sets that are already in memory.</summary>
    internal DatasetMemory Memory { get; init; } = DatasetMemory.OfProcess;

    /// <summary>Creates the HTTP client for downloads, without a time-out of its own; null disables downloads.</summary>
    public Func<HttpClient>? Network { get; init; } = static () => new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>The folders that may hold the files of a data set, in the order in which they are tried.</summary>
    internal IEnumerable<string> FoldersOf(string name) =>
        [.. Given is null ? Array.Empty<string>() : [Path.Combine(Given, name), Given], Path.Combine(System, name), Path.Combine(Cache, name)];
}

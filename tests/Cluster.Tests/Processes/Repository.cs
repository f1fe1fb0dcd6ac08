namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>The repository's own files.</summary>
internal static class Repository
{
    private static readonly string Root = FindRoot();

    public static string PathOf(string path) => Path.Combine(Root, path);

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "DeepTrain.Cluster.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("The tests must run inside the repository.");
        return folder.FullName;
    }
}

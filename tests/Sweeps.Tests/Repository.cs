namespace DeepTrain.Cluster.Sweeps.Tests;

/// <summary>The repository's own files.</summary>
internal static class Repository
{
    private static readonly string Root = FindRoot();

    public static string PathOf(string path) => Path.Combine(Root, path);

    /// <summary>Asserts that a committed file is what its generator writes now; with UPDATE_GENERATED=1 it writes the file.</summary>
    public static void AssertGenerated(string path, string content)
    {
        if (Environment.GetEnvironmentVariable("UPDATE_GENERATED") == "1")
            File.WriteAllText(PathOf(path), content);
        Assert.True(File.ReadAllText(PathOf(path)) == content,
            $"{path} is not what its generator writes; run the tests with UPDATE_GENERATED=1 and commit it.");
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "DeepTrain.Cluster.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("The tests must run inside the repository.");
        return folder.FullName;
    }
}

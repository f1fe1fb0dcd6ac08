namespace DeepTrain.Cluster.Servers;

/// <summary>Programs that are found on this machine, or not.</summary>
internal static class InstalledPrograms
{
    /// <summary>A program on the PATH; null: there is none.</summary>
    public static string? OnPath(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, name))
        .FirstOrDefault(File.Exists);

    /// <summary>A program on the PATH; where there is none the test is skipped, or fails on a build server.</summary>
    /// <param name="package">Debian's package that has it.</param>
    public static string Require(string name, string package)
    {
        var path = OnPath(name);
        Prerequisite.Require(path is not null, $"There is no {name} on the PATH (Debian's package: {package}).");
        return path;
    }

    /// <summary>A program of PostgreSQL's server: Debian keeps them off the PATH, a folder a version.</summary>
    public static string? OfPostgres(string name)
    {
        const string versions = "/usr/lib/postgresql";
        return Directory.Exists(versions)
            ? Directory.EnumerateDirectories(versions)
                .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0)
                .Select(folder => Path.Combine(folder, "bin", name))
                .FirstOrDefault(File.Exists) ?? OnPath(name)
            : OnPath(name);
    }
}

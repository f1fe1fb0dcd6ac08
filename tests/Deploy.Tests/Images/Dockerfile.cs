using System.Text.Json;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Sweeps.Tests;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>What <c>deploy/docker</c> says of the images, as far as it can be followed where there is no engine that builds them.</summary>
internal static partial class Dockerfile
{
    private const string Path = "deploy/docker/Dockerfile";

    private static readonly string Text = File.ReadAllText(Repository.PathOf(Path));

    /// <summary>The number of the user and the group that its processes run as.</summary>
    public static int User { get; } = int.Parse(Instruction("USER"), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The program that a container starts, of those that lie beside each other in the image's folder.</summary>
    public static string Program { get; } = JsonSerializer.Deserialize<string[]>(Instruction("ENTRYPOINT"))!.Single();

    /// <summary>What it is told where the container says nothing else.</summary>
    public static IReadOnlyList<string> Arguments { get; } = JsonSerializer.Deserialize<string[]>(Instruction("CMD"))!;

    /// <summary>How an image's programs are published; its last argument, the folder, is left out.</summary>
    public static IReadOnlyList<string> Publish(string target)
    {
        var line = Assert.Single(PublishLine().Matches(Text), each => each.Groups["command"].Value.EndsWith($" {target}", StringComparison.Ordinal));
        return line.Groups["command"].Value.Split(' ');
    }

    /// <summary>The files that a build is given, relative to the repository.</summary>
    public static IEnumerable<string> Context()
    {
        var lines = File.ReadLines(Repository.PathOf($"{Path}.dockerignore")).Where(line => line.Length > 0 && line[0] != '#').ToList();
        Assert.Equal("*", lines[0]);
        var left = lines.Where(line => line.StartsWith("**/", StringComparison.Ordinal)).Select(line => line[3..]).ToHashSet();
        var root = Repository.PathOf("");
        foreach (var pattern in lines.Where(line => line[0] == '!').Select(line => line[1..]))
            foreach (var file in Directory.Exists(System.IO.Path.Combine(root, pattern))
                ? Directory.EnumerateFiles(System.IO.Path.Combine(root, pattern), "*", SearchOption.AllDirectories)
                : Directory.EnumerateFiles(root, pattern))
            {
                var path = System.IO.Path.GetRelativePath(root, file);
                if (!path.Split('/').Any(left.Contains))
                    yield return path;
            }
    }

    private static string Instruction(string name) => Assert.Single(Regex.Matches(Text, $"^{name} (.+)$", RegexOptions.Multiline)).Groups[1].Value;

    [GeneratedRegex(@"^RUN (TORCH_BACKEND=\$TORCH_BACKEND )?(?<command>\S+ \w+) /app$", RegexOptions.Multiline)]
    private static partial Regex PublishLine();
}

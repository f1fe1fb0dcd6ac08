using System.Collections.Concurrent;
using System.Diagnostics;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Sweeps.Tests;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>The overlays of <c>deploy/k8s</c>, as kubectl renders them.</summary>
internal static class Overlay
{
    public const string Trial = "trial";
    public const string Production = "production";

    private const string Folder = "deploy/k8s/overlays";

    private static readonly ConcurrentDictionary<string, string> Rendered = new();

    public static IEnumerable<string> Names => Directory.EnumerateDirectories(Repository.PathOf(Folder)).Select(Path.GetFileName).Order()!;

    /// <summary>The text of an overlay's manifests. Skips the test, by name, where kubectl is missing.</summary>
    public static string Text(string name)
    {
        Assert.SkipWhen(InstalledPrograms.OnPath("kubectl") is null, "kubectl is not installed (Debian: kubernetes-client).");
        return Rendered.GetOrAdd(name, Render);
    }

    private static string Render(string name)
    {
        using var process = Process.Start(new ProcessStartInfo("kubectl", ["kustomize", Repository.PathOf(Path.Combine(Folder, name))])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"'kubectl kustomize {Folder}/{name}' ended with {process.ExitCode}.{Environment.NewLine}{errors.Result}");
        return text;
    }
}

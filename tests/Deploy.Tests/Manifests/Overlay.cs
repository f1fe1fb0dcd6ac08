using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Sweeps.Tests;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>The overlays of <c>deploy/k8s</c>, as kubectl renders them.</summary>
internal static partial class Overlay
{
    public const string Trial = "trial";
    public const string Production = "production";

    private const string Folder = "deploy/k8s/overlays";

    /// <summary>Of kubectl 1.x: older ones bring a kustomize along that has no components, or other patches.</summary>
    private const int OldestMinor = 27;

    private static readonly ConcurrentDictionary<string, string> Rendered = new();
    private static readonly Lazy<string?> Missing = new(FindMissing);

    public static IEnumerable<string> Names => Directory.EnumerateDirectories(Repository.PathOf(Folder)).Select(Path.GetFileName).Order()!;

    /// <summary>The text of an overlay's manifests. Skips the test, by name, where kubectl is missing.</summary>
    public static string Text(string name)
    {
        Assert.SkipWhen(Missing.Value is not null, Missing.Value ?? "");
        return Rendered.GetOrAdd(name, name => Kubectl("kustomize", Repository.PathOf(Path.Combine(Folder, name))));
    }

    private static string? FindMissing() =>
        InstalledPrograms.OnPath("kubectl") is null ? $"kubectl is not installed (1.{OldestMinor} or later; Debian: kubernetes-client)."
        : MinorVersion().Match(Kubectl("version", "--client")) is { Success: true } found
            && int.Parse(found.Groups["minor"].Value, CultureInfo.InvariantCulture) is var minor and < OldestMinor
            ? $"kubectl is of version 1.{minor}; 1.{OldestMinor} or later is needed."
        : null;

    private static string Kubectl(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("kubectl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"'kubectl {string.Join(' ', arguments)}' ended with {process.ExitCode}.{Environment.NewLine}{errors.Result}");
        return text;
    }

    // 'Client Version: v1.32.4', or in earlier ones 'GitVersion:"v1.20.2"'.
    [GeneratedRegex(@"v1\.(?<minor>\d+)\.")]
    private static partial Regex MinorVersion();
}

using System.Diagnostics.CodeAnalysis;

namespace DeepTrain.Cluster.Servers;

/// <summary>What a test needs of the machine besides the .NET SDK.</summary>
internal static class Prerequisite
{
    /// <summary>Skips the test, by name, where something is missing. On a build server, where all of it is installed, the test fails.</summary>
    /// <param name="missing">What is missing, and how to get it.</param>
    public static void Require([DoesNotReturnIf(false)] bool isThere, string missing)
    {
        Assert.SkipWhen(!isThere && Environment.GetEnvironmentVariable("CI") is not { Length: > 0 }, missing);
        Assert.True(isThere, missing);
    }
}

using System.Diagnostics;
using DeepTrain.Cluster.Deploy.Tests;
using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>What engineers see of a sweep, through a real Prometheus.</summary>
public sealed class MonitoringTests(ITestOutputHelper output)
{
    /// <summary>Quick trials beside some that do not end while a test watches, in two factors.</summary>
    private static readonly SweepText Watched = new("watched") { Epochs = [2, SweepText.Endless], Replicates = 2, BatchSize = 8 };
}

using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;

namespace DeepTrain.Cluster.Client.Tests;

/// <summary>Progress as short as a test wants it.</summary>
internal static class Views
{
    public static SweepProgress Progress(
        int total, int completed = 0, int diverged = 0, int running = 0, SweepStatus status = SweepStatus.Running, BestCell? best = null) =>
        new("digits-1", status, total, total - completed - diverged - running, running, completed, diverged, 0, 0, 0, best);

    public static ProgressView View(SweepProgress progress, double seconds, double rate, double? left = null) =>
        new(progress, TimeSpan.FromSeconds(seconds), rate, left is { } known ? TimeSpan.FromSeconds(known) : null);
}

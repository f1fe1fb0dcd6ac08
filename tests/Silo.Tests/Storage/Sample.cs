using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>Sweeps, requests and reports as short as a test wants them.</summary>
internal static class Sample
{
    public const string SweepId = "digits-1";

    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);

    public static readonly Provenance Provenance = new("0.1.0+abc", "2.10.0", "AVX2", "cpu");

    /// <summary>Cells in the order given; those with different batch sizes cannot be fused.</summary>
    public static Sweep Sweep(int replicates, params (double LearningRate, int BatchSize)[] cells) => new(new SweepDeclaration(
        "digits", $"name: digits # {replicates} x {cells.Length}",
        ImmutableSortedDictionary<string, ParameterValue>.Empty.Add(Parameters.Dataset.Name, ParameterValue.Of("digits")),
        [
            new(Parameters.LearningRate, new Domain.LogUniform(0.001, 1), null),
            new(Parameters.BatchSize, new Domain.Levels([ParameterValue.Of(32), ParameterValue.Of(64)]), null),
        ],
        new SearchMethod.List(), replicates, new(Metric.ValidationAccuracy, Goal.Maximize), []),
        [.. cells.Select(cell => Cell(cell.LearningRate, cell.BatchSize))]);

    /// <summary>A sweep of fusible cells.</summary>
    public static Sweep Sweep(int replicates, int cells) =>
        Sweep(replicates, [.. Enumerable.Range(1, cells).Select(cell => (cell / 1000.0, 32))]);

    public static Cell Cell(double learningRate, int batchSize)
    {
        var (rate, size) = (ParameterValue.Of(learningRate), ParameterValue.Of(batchSize));
        return new([new(Parameters.LearningRate.Name, rate), new(Parameters.BatchSize.Name, size)],
            Configuration.Resolve(new Dictionary<string, ParameterValue>
            {
                [Parameters.Dataset.Name] = ParameterValue.Of("digits"),
                [Parameters.Hidden.Name] = ParameterValue.Of([8]),
                [Parameters.LearningRate.Name] = rate,
                [Parameters.BatchSize.Name] = size,
            }));
    }

    public static string FusionKey(int batchSize) => Cell(0.1, batchSize).Configuration.FusionKey;

    public static GrantRequest Request(int trials, bool acrossReplicates = false, Guid? lease = null, string silo = "silo-1",
        bool takeExpired = true) => Request(
            ImmutableDictionary<string, CohortLimit>.Empty
                .Add(FusionKey(32), new(trials, acrossReplicates)).Add(FusionKey(64), new(trials, acrossReplicates)),
            lease, silo, takeExpired);

    public static GrantRequest Request(ImmutableDictionary<string, CohortLimit> limits, Guid? lease = null, string silo = "silo-1",
        bool takeExpired = true) => new(lease ?? Guid.NewGuid(), silo, 0, Provenance, limits, LeaseTime, takeExpired);

    public static FencedReport Epoch(LeasedTrial leased, int epoch, Ending? ending = null) =>
        new(new(leased.Trial, epoch, 1.0 / epoch, 2.0 / epoch, 1 - 1.0 / epoch, 40, 0.5, ending), leased.Fence);

    public static FencedReport Completion(LeasedTrial leased, int epoch) =>
        Epoch(leased, epoch, new(Outcome.Completed, TestLoss: 0.25, TestAccuracy: 0.875));
}

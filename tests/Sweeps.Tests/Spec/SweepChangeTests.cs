using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class SweepChangeTests
{
    private const string Current = "training: { learningRate: 0.05 }\nspace: { activation: [relu, elu] }\nreplicates: 3\nclaims: [ { activation: elu > relu } ]";

    private static SweepChange To(string proposed, string current = Current) =>
        SweepChange.Between(SweepTexts.Read(current), SweepTexts.Read(proposed));

    [Fact]
    public void Between_CommentsLayoutAndOrder_IsIdentical()
    {
        var change = To("# other words\nclaims:\n  - activation: elu>relu\nreplicates: 3\nspace:\n  activation: [elu, relu]\ntraining:\n  learningRate: 5e-2\n  epochs: 20");
        Assert.True(change.IsIdentical);
        Assert.Equal((0, 0), (change.AddedTrials, change.RemovedTrials));
    }

    [Theory]
    [InlineData("replicates: 3", "replicates: 5", 4, 0)]
    [InlineData("replicates: 3", "replicates: 1", 0, 4)]
    [InlineData("[relu, elu]", "[relu, elu, tanh]", 3, 0)]
    [InlineData("[relu, elu]", "[elu, tanh, relu, prelu]", 6, 0)]
    [InlineData("space: {", "space: { batchNorm: [false, true],", 6, 0)]
    [InlineData("elu > relu", "relu > elu", 0, 0)]
    [InlineData("replicates: 3", "replicates: 3\nobjective: { metric: train.loss }", 0, 0)]
    [InlineData("replicates: 3", "replicates: 3\nkeep: all", 0, 0)]
    [InlineData("replicates: 3", "replicates: 3\npriority: -5", 0, 0)]
    [InlineData("replicates: 3", "replicates: 3\nmaxSlots: 4", 0, 0)]
    [InlineData("replicates: 3", "replicates: 3\nmaxAttempts: 1", 0, 0)]
    [InlineData("replicates: 3", "replicates: 3\ndevice: cpu", 0, 0)]
    public void Between_MoreOrFewer_IsAnExtension(string before, string after, int added, int removed)
    {
        var change = To(Current.Replace(before, after, StringComparison.Ordinal));
        Assert.Empty(change.Differences);
        Assert.False(change.IsIdentical);
        Assert.Equal((added, removed), (change.AddedTrials, change.RemovedTrials));
    }

    [Fact]
    public void Between_FixedKeyMovedIntoSpaceWithItsValue_IsAnExtension()
    {
        var change = To("space: { activation: [relu, elu], learningRate: [0.05, 0.1] }\nreplicates: 3");
        Assert.Empty(change.Differences);
        Assert.Equal((6, 0), (change.AddedTrials, change.RemovedTrials));
    }

    [Fact]
    public void Between_LevelRemoved_LeavesTheComparison()
    {
        var change = To("training: { learningRate: 0.05 }\nspace: { activation: [relu, tanh] }\nreplicates: 3");
        Assert.Empty(change.Differences);
        Assert.Equal((3, 3), (change.AddedTrials, change.RemovedTrials));
    }

    [Theory]
    [InlineData("learningRate: 0.05", "learningRate: 0.1", "training.learningRate: 0.05 -> 0.1")]
    [InlineData("learningRate: 0.05", "momentum: 0.5", "training.learningRate: 0.05 -> 0.01|training.momentum: 0 -> 0.5")]
    [InlineData("[relu, elu]", "[tanh, logistic]", "network.activation: relu, elu -> tanh, logistic")]
    [InlineData("replicates: 3", "replicates: 3\nsplit: fixed", "split: stratified -> fixed")]
    [InlineData("replicates: 3", "replicates: 3\ntestFraction: 0.3", "testFraction: 0.1 -> 0.3")]
    [InlineData("replicates: 3", "replicates: 3\nnetwork: { depth: 2, width: 4 }", "network.hidden: [8] -> [4,4]")]
    [InlineData("replicates: 3", "search: { method: random, trials: 2 }", "search.method: grid -> random")]
    public void Between_WhatAResultDependsOn_IsNamed(string before, string after, string differences)
    {
        var proposed = Current.Replace("\nclaims: [ { activation: elu > relu } ]", "", StringComparison.Ordinal).Replace(before, after, StringComparison.Ordinal);
        Assert.Equal(differences.Split('|'), To(proposed).Differences);
    }

    [Fact]
    public void Between_RandomSearch_GrowsAndKeepsItsSeed()
    {
        const string random = "space: { momentum: { uniform: [0, 0.5] } }\nsearch: { method: random, trials: 10, seed: 1 }\nreplicates: 2";
        var more = To(random.Replace("trials: 10", "trials: 15", StringComparison.Ordinal), random);
        Assert.Empty(more.Differences);
        Assert.Equal((10, 0), (more.AddedTrials, more.RemovedTrials));
        Assert.Contains("search.seed: 1 -> 2", To(random.Replace("seed: 1", "seed: 2", StringComparison.Ordinal), random).Differences);
    }
}

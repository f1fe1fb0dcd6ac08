using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class SgdTests
{
    /// <summary>The trainer knows one optimizer: another choice needs another here.</summary>
    [Fact]
    public void Optimizer_Choices_AreThisOne() => Assert.Equal(["sgd"], Parameters.Optimizer.Choices);
}

using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class GoldenTests
{
    [Fact]
    public void Values_Cases_CoverEveryChoice()
    {
        var cases = Golden.Values.Cases.Select(golden => golden.Configuration).ToArray();
        Assert.Equal(10, Golden.Values.Batches.Length);
        Assert.All([Parameters.Activation, Parameters.Optimizer, Parameters.Schedule], parameter =>
            Assert.Equal(parameter.Choices.Order(), cases.Select(configuration => configuration[parameter]).Distinct().Order()));
        Assert.Equal(Parameters.Activation.Choices.Order(),
            Golden.Values.Functions.Select(function => function.Configuration[Parameters.Activation]).Distinct().Order());
        Assert.Equal(Parameters.Activation.Choices.Order(),
            Golden.Values.Gains.Select(gain => gain.Configuration[Parameters.Activation]).Distinct().Order());
        Assert.Equal(cases.Length, cases.Distinct().Count());
    }

    [Fact]
    public void Difference_OneNumberOff_IsItsPartOfTheNorm()
    {
        var golden = new GoldenTensor([2], [3, 4]);
        Assert.Equal(0.2, golden.Difference([3, 5]), 1e-15);
        Assert.Equal(0.1, golden.Difference([3, 5], scale: 10), 1e-15);
    }
}

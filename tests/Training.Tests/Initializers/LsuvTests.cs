using DeepTrain.Cluster.Training.Initializers;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class LsuvTests
{
    [Theory]
    [InlineData(1e-12)]
    [InlineData(0.5)]
    [InlineData(1.2)]
    [InlineData(1e12)]
    public void Rescale_LinearLayer_HasUnitVarianceAfterOneRound(double variance)
    {
        var (weight, rounds) = (1.0, 0);
        Lsuv.Rescale(() => weight * weight * variance, factor => { weight *= factor; rounds++; });
        Assert.Equal(1, weight * weight * variance, 1e-12);
        Assert.Equal(1, rounds);
    }

    [Theory]
    [InlineData(0.91)]
    [InlineData(1.09)]
    [InlineData(0.0)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Rescale_NearUnityOrPastMending_LeavesTheLayer(double variance) =>
        Lsuv.Rescale(() => variance, factor => Assert.Fail($"multiplied by {factor}"));

    [Fact]
    public void Rescale_VarianceThatStays_EndsAfterTenRounds()
    {
        var rounds = 0;
        Lsuv.Rescale(() => 4, factor => { Assert.Equal(0.5, factor); rounds++; });
        Assert.Equal(10, rounds);
    }
}

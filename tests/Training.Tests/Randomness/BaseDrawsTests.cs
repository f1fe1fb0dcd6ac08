using DeepTrain.Cluster.Training.Randomness;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class BaseDrawsTests
{
    [Fact]
    public void Units_Place_IsTheKey()
    {
        var small = new BaseDraws(5).Units(1, 3, 4);
        var large = new BaseDraws(5).Units(1, 9, 7);
        Assert.All(Enumerable.Range(0, 12), place => Assert.Equal(large[place / 4 * 7 + place % 4], small[place]));
        Assert.Equal(63, large.Distinct().Count());
        Assert.All(large, unit => Assert.InRange(unit, double.Epsilon, 1 - double.Epsilon));
    }

    [Fact]
    public void Shuffle_Round_IsAFreshPermutation()
    {
        int[] items = [.. Enumerable.Range(100, 1_258)];
        var first = new BaseDraws(1).Shuffle([.. items], Purpose.BatchOrder, 1);
        Assert.Equal(items, first.Order());
        Assert.NotEqual(items, first);
        Assert.Equal(first, new BaseDraws(1).Shuffle([.. items], Purpose.BatchOrder, 1));
        Assert.NotEqual(first, new BaseDraws(1).Shuffle([.. items], Purpose.BatchOrder, 2));
        Assert.NotEqual(first, new BaseDraws(2).Shuffle([.. items], Purpose.BatchOrder, 1));
        Assert.NotEqual(first, new BaseDraws(1).Shuffle([.. items], Purpose.Split, 1));
    }
}

using DeepTrain.Cluster.Sweeps.Randomness;
using DeepTrain.Cluster.Training.Randomness;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class StepDrawsTests
{
    // Units and columns that are no multiples of a block of four, and steps beyond those made at once, onwards and back.
    [Theory]
    [InlineData(1, 32, 64)]
    [InlineData(2, 7, 10)]
    [InlineData(3, 1, 3)]
    public void Fill_MadeAhead_AreTheNumbersOfEachStep(int groups, int units, int columns)
    {
        using var scope = NewDisposeScope();
        BaseDraws[] draws = [.. Enumerable.Range(0, groups).Select(group => new BaseDraws(int.MaxValue - group))];
        var (now, ahead) = (new StepDraws([.. draws], Placement.OnCpu()), new StepDraws([.. draws], Placement.OnCpu(), 5 * groups * units * columns));
        var places = new List<(Tensor Now, Tensor Ahead)>();
        foreach (var (purpose, layer) in ((Purpose, int)[])[(Purpose.Dropout, 1), (Purpose.Dropout, 20), (Purpose.Slopes, 1)])
            places.Add((now.Of(purpose, layer, new(0, groups), units, columns), ahead.Of(purpose, layer, new(0, groups), units, columns)));

        foreach (var step in (int[])[0, 1, 2, 4, 5, 7, 23, 1_000_000, 3])
        {
            now.Fill(step);
            ahead.Fill(step);

            Assert.All(places, place => Assert.True(place.Now.eq(place.Ahead).all().item<bool>(), $"step {step}"));
        }
    }

    [Fact]
    public void Fill_OnDevice_IsPhilox()
    {
        using var scope = NewDisposeScope();
        var numbers = zeros(1, 3, 8);

        new BaseDraws(7).Fill(numbers, Purpose.Dropout, layer: 2, tensor([11L]));

        var (x0, x1, x2, x3) = Philox.Block((ulong)Purpose.Dropout << 32 | 7, 1, 2, 2, 11);
        Assert.Equal(
            ((uint[])[x0, x1, x2, x3]).Select(word => (word >> 8) / (float)(1 << 24)),
            numbers[0][2].data<float>().ToArray()[4..]);
    }
}

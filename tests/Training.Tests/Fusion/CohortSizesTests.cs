using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class CohortSizesTests
{
    private static DatasetInfo Digits => Datasets.All.First(info => info.Name == "digits");

    [Theory]
    [InlineData(new double[] { 100, 50, 25, 13, 7, 4, 2 }, 64, 64)] // gains to the end
    [InlineData(new double[] { 100, 50, 25, 13, 7, 4, 2 }, 20, 16)] // no more than fit
    [InlineData(new double[] { 100, 90, 80, 79, 78, 83, 90 }, 64, 16)] // flat from 4 on: the largest that is as good
    [InlineData(new double[] { 100, 110, 120, 130, 140, 150, 160 }, 64, 1)] // fusing loses
    [InlineData(new double[] { 100, 104, 108, 112, 116, 30, 20 }, 64, 64)] // it pays late
    public void Choose_Times_TakesTheLargestOfTheBest(double[] seconds, int most, int expected) =>
        Assert.Equal(new(expected, seconds[(int)Math.Log2(expected)]), CohortSizes.Choose(size => seconds[(int)Math.Log2(size)], most));

    /// <summary>A machine that is busy for three rounds of five, and all of one size's measurements but one.</summary>
    [Fact]
    public void Choose_DisturbedMeasurements_ChoosesAsOnAnIdleMachine()
    {
        var asked = new List<int>();
        var chosen = CohortSizes.Choose(size =>
        {
            asked.Add(size);
            var round = asked.Count(other => other == size);
            return (round is 1 or 3 or 4 || (size == 32 && round != 5) ? 20.0 : 1.0) / size;
        }, 60);
        Assert.Equal(new(32, 1.0 / 32), chosen);
        // In turn, so that what disturbs for a while does not fall on one size alone.
        Assert.Equal(Enumerable.Repeat(new[] { 1, 2, 4, 8, 16, 32 }, 5).SelectMany(round => round), asked);
    }

    [Fact]
    public void Choose_MemoryRunsOut_TakesTheBestThatFits()
    {
        var asked = new List<int>();
        Assert.Equal(8, CohortSizes.Choose(size =>
        {
            asked.Add(size);
            return size < 16 ? 1.0 / size : throw new InvalidOperationException("CUDA out of memory. Tried to allocate 2 GiB.");
        }, 64).Size);
        Assert.Equal(1, asked.Count(size => size == 16));
        Assert.DoesNotContain(32, asked);
        Assert.Throws<InvalidOperationException>(() => CohortSizes.Choose(_ => throw new InvalidOperationException("out of memory"), 64));
        Assert.Throws<ArgumentException>(() => CohortSizes.Choose(size => size < 4 ? 1 : throw new ArgumentException("a mistake"), 64));
    }

    [Fact]
    public void Of_SameNetwork_TriesItOnce()
    {
        var clock = new CountingTime();
        var sizes = new CohortSizes(clock, ComputeDevice.Processor);
        var size = sizes.Of(Trials.Configuration(), Digits);
        Assert.InRange(size.Size, 1, 64);
        var asked = clock.Asked;
        Assert.True(asked > 0);
        Assert.Equal(size, sizes.Of(Trials.Configuration((Parameters.LearningRate, 0.5), (Parameters.Activation, "elu")), Digits));
        Assert.Equal(asked, clock.Asked);
        sizes.Of(Trials.Configuration((Parameters.BatchSize, 64)), Digits);
        Assert.True(clock.Asked > asked);
    }

    [Fact]
    public void Of_HugeNetwork_FitsTheMemory() =>
        Assert.Equal(1, new CohortSizes(TimeProvider.System, ComputeDevice.Processor).Of(Trials.Configuration((Parameters.Hidden, new[] { 3_000, 3_000 })), Digits).Size);

    [Fact]
    public void MostFor_SlotsThatShareAGpu_HavePartsOfItsMemory()
    {
        var gpu = new ComputeDevice(DeviceKind.Cuda, 0, "a small one", 1L << 26);
        var alone = new CohortSizes(TimeProvider.System, gpu).MostFor(Trials.Configuration(), Digits);
        var shared = new CohortSizes(TimeProvider.System, gpu.SharedBy(3)).MostFor(Trials.Configuration(), Digits);
        Assert.InRange(alone, 3, 1023);
        Assert.Equal(alone / 3, shared);
    }

    private sealed class CountingTime : TimeProvider
    {
        public int Asked { get; private set; }

        public override long GetTimestamp()
        {
            Asked++;
            return base.GetTimestamp();
        }
    }
}

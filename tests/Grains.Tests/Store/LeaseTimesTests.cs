using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class LeaseTimesTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(30)]
    [InlineData(3600)]
    public void Silence_AnyLease_ShowsLongBeforeItsEnd(double seconds)
    {
        var times = new LeaseTimes { Lease = TimeSpan.FromSeconds(seconds) };

        Assert.InRange(times.Silence, 3 * times.Touch, times.Lease / 2);
        Assert.True(times.Touch <= TimeSpan.FromSeconds(5));
    }
}

using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class ThreadTimeTests
{
    private static readonly TimeSpan Work = TimeSpan.FromMilliseconds(40);

    [Fact]
    public void For_Processor_CountsThisThreadsOwnTimeOnly()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such clock.");
        var time = ThreadTime.For(ComputeDevice.Processor, TimeProvider.System);
        var started = time.GetTimestamp();
        var other = new Thread(() => Spin(time));
        other.Start();
        other.Join();
        Assert.InRange(time.GetElapsedTime(started), TimeSpan.Zero, Work / 2);

        Spin(time);
        Assert.InRange(time.GetElapsedTime(started), Work, TimeSpan.MaxValue);
    }

    [Fact]
    public void For_Gpu_IsTheWallClock() =>
        Assert.Same(TimeProvider.System, ThreadTime.For(new(DeviceKind.Cuda, 0, "a GPU", 1), TimeProvider.System));

    private static void Spin(TimeProvider time)
    {
        var started = time.GetTimestamp();
        while (time.GetElapsedTime(started) < Work)
            Thread.SpinWait(100);
    }
}

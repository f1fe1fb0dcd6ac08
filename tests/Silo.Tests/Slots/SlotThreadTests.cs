using System.Globalization;
using DeepTrain.Cluster.Silo.Slots;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class SlotThreadTests
{
    private const int NicePlace = 19; // in /proc/thread-self/stat, counted from 1

    /// <summary>One step below the threads that answer others: with more, a busy machine would leave training next to nothing.</summary>
    [Fact]
    public void Start_OnLinux_IsOneStepNicerThanTheProcess()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere a thread has a priority instead.");
        var slots = 0;
        var thread = SlotThread.Start("slot-0", () => slots = Niceness());
        thread.Join();
        Assert.Equal(Niceness() + 1, slots);
    }

    // The name of a thread stands in parentheses, and may have blanks.
    private static int Niceness() => int.Parse(
        File.ReadAllText("/proc/thread-self/stat").Split(") ")[^1].Split(' ')[NicePlace - 3], CultureInfo.InvariantCulture);
}

using System.Runtime.InteropServices;

namespace DeepTrain.Cluster.Training.Native;

/// <summary>A clock that measures the processor time of the calling thread, so that other work on the machine does not count.</summary>
/// <remarks>Both readings of an interval must come from the same thread.</remarks>
internal sealed partial class ThreadTime : TimeProvider
{
    private const long Nanoseconds = 1_000_000_000;
    private const int OnLinux = 3; // CLOCK_THREAD_CPUTIME_ID
    private const int OnMacOS = 16;

    private ThreadTime()
    {
    }

    /// <summary>
    /// The clock for measuring work on a device: on a processor this clock, where the system supports it; otherwise, and on a GPU, where
    /// the thread only waits, the given clock.
    /// </summary>
    public static TimeProvider For(ComputeDevice device, TimeProvider wallClock) =>
        device.Kind is DeviceKind.Cpu && (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()) ? new ThreadTime() : wallClock;

    public override long TimestampFrequency => Nanoseconds;

    public override long GetTimestamp() => GetTime(OperatingSystem.IsLinux() ? OnLinux : OnMacOS, out var time) == 0
        ? time.Seconds * Nanoseconds + time.Nanoseconds
        : throw new InvalidOperationException("The system does not say how much processor time this thread has had.");

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out TimeSpecification time);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TimeSpecification
    {
        public readonly nint Seconds;
        public readonly nint Nanoseconds;
    }
}

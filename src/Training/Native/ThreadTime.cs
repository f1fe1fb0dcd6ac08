using System.Runtime.InteropServices;

namespace DeepTrain.Cluster.Training.Native;

/// <summary>A clock that only runs while the thread that reads it does: what else a machine has to do does not count.</summary>
/// <remarks>Two readings of one thread tell the processor time between them.</remarks>
internal sealed partial class ThreadTime : TimeProvider
{
    private const long Nanoseconds = 1_000_000_000;
    private const int OnLinux = 3; // CLOCK_THREAD_CPUTIME_ID
    private const int OnMacOS = 16;

    private ThreadTime()
    {
    }

    /// <summary>
    /// What times of work on a device are measured by: on a processor this clock, where the system has it; otherwise, and on a GPU, whose
    /// work is done while the thread waits, the given one.
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

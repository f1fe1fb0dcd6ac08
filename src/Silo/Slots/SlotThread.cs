using System.Runtime.InteropServices;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>The thread of one slot: dedicated and at a slightly lower priority, so that training never starves the thread pool.</summary>
internal static class SlotThread
{
    /// <summary>
    /// The smallest increase in niceness that gives renewals and the membership priority over training. Each step costs training a fifth of
    /// its weight against other processes: with ten, a twentieth of a core was left.
    /// </summary>
    private const int Step = 1;

    public static Thread Start(string name, Action work)
    {
        var thread = new Thread(() =>
        {
            LowerPriority();
            work();
        })
        {
            Name = name,
            IsBackground = true,
        };
        thread.Start();
        return thread;
    }

    // Thread.Priority has no effect on Linux, where niceness is nevertheless per thread.
    private static void LowerPriority()
    {
        if (OperatingSystem.IsLinux())
            _ = Nice(Step);
        else
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
    }

    [DllImport("libc", EntryPoint = "nice")]
    private static extern int Nice(int step);
}

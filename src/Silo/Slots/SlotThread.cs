using System.Runtime.InteropServices;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>The thread of one slot: dedicated, so that training never starves the pool that answers other silos, and just below its priority.</summary>
internal static class SlotThread
{
    /// <summary>
    /// The least niceness beyond the process's that puts renewals and the membership before training. Beside other processes that want the
    /// cores each step costs training a fifth of its weight: with ten, a twentieth of a core was left.
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

    // Thread.Priority does nothing on Linux, where niceness belongs to the thread all the same.
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

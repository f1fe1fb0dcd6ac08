using System.Runtime.InteropServices;

namespace DeepTrain.Cluster.Silo;

/// <summary>The thread of one slot: dedicated, so that training never starves the pool that answers other silos, and of low priority.</summary>
internal static class SlotThread
{
    private const int Nice = 10;

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
            _ = SetPriority(which: 0, GetThreadId(), Nice);
        else
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
    }

    [DllImport("libc", EntryPoint = "setpriority")]
    private static extern int SetPriority(int which, int who, int priority);

    [DllImport("libc", EntryPoint = "gettid")]
    private static extern int GetThreadId();
}

using System.Diagnostics;

namespace DeepTrain.Cluster.Grains.Tests;

/// <summary>Waits on a condition, with a deadline that says what is missing.</summary>
internal static class Eventually
{
    /// <summary>Generous: it is reached only where something is broken, whatever else the machine does.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(10);

    public static async Task True(Func<Task<bool>> condition, string what)
    {
        var began = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(LookInterval);
        Exception? last = null;
        do
        {
            try
            {
                if (await condition())
                    return;
            }
            catch (Exception exception)
            {
                last = exception;
            }
        }
        while (await timer.WaitForNextTickAsync() && Stopwatch.GetElapsedTime(began) < Deadline);
        Assert.Fail($"Waited {Deadline.TotalSeconds} s in vain for {what}. {last}");
    }
}

namespace DeepTrain.Cluster.Grains.Tests;

/// <summary>Waits on a condition, with a deadline that says what is missing.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static async Task True(Func<Task<bool>> condition, string what)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        Exception? last = null;
        while (!deadline.IsCancellationRequested)
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
            await Task.Yield();
        }
        Assert.Fail($"Waited {Deadline.TotalSeconds} s in vain for {what}. {last}");
    }
}

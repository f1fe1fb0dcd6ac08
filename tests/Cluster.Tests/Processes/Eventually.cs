namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Waits on other processes, with a deadline that says what is missing.</summary>
internal static class Eventually
{
    /// <summary>Generous: it is reached only where something is broken, whatever else the machine does.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(240);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(50);

    public static async Task<T> Get<T>(Func<T?> look, string what, DeepTrainProcess of) where T : class
    {
        using var deadline = new CancellationTokenSource(Deadline);
        using var timer = new PeriodicTimer(LookInterval);
        do
        {
            var hasExited = of.HasExited;
            if (look() is { } seen)
                return seen;
            if (hasExited)
                Assert.Fail($"{what} was never seen: the process has ended with {of.ExitCode}.{Environment.NewLine}{of.Errors}");
        }
        while (await Tick(timer, deadline.Token));
        throw new TimeoutException($"Waited {Deadline.TotalSeconds} s in vain for {what}.{Environment.NewLine}{of.Errors}");
    }

    public static Task True(Func<bool> condition, string what, DeepTrainProcess of) =>
        Get(() => condition() ? "" : null, what, of);

    /// <summary>Freezes a process while a condition holds: what was seen of one that goes on may have passed when it is struck.</summary>
    public static Task Frozen(Func<bool> condition, string what, DeepTrainProcess of)
    {
        return True(() => condition() && HoldsFrozen(), what, of);

        bool HoldsFrozen()
        {
            of.Freeze();
            var holds = condition();
            if (!holds)
                of.Thaw();
            return holds;
        }
    }

    /// <summary>Waits until a question to the outside has an answer.</summary>
    /// <param name="what">What was missing, when it never was seen.</param>
    /// <param name="because">What may explain that.</param>
    public static async Task<T> Get<T>(Func<Task<T?>> ask, string what, Func<string> because, TimeSpan? within = null) where T : class
    {
        using var deadline = new CancellationTokenSource(within ?? Deadline);
        using var timer = new PeriodicTimer(AskInterval);
        do
        {
            if (await ask() is { } seen)
                return seen;
        }
        while (await Tick(timer, deadline.Token));
        throw new TimeoutException(
            $"Waited {(within ?? Deadline).TotalSeconds} s in vain for {what}.{Environment.NewLine}{because()}");
    }

    public static Task True(Func<Task<bool>> ask, string what, Func<string> because, TimeSpan? within = null) =>
        Get(async () => await ask() ? "" : null, what, because, within);

    private static async Task<bool> Tick(PeriodicTimer timer, CancellationToken deadline)
    {
        try
        {
            return await timer.WaitForNextTickAsync(deadline);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}

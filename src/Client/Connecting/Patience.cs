namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>Awaits calls that process all trials of a sweep and may take a minute, as long as the called process responds.</summary>
internal static class Patience
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <param name="what">The message that the user sees every ten seconds.</param>
    /// <exception cref="TimeoutException">The called process no longer responds.</exception>
    public static async Task<T> AwaitAsync<T>(
        Task<T> call, string what, SweepConnection connection, TimeProvider time, CancellationToken cancellation)
    {
        var waited = TimeSpan.Zero;
        while (await Task.WhenAny(call, Task.Delay(Interval, time, cancellation)) != call)
        {
            cancellation.ThrowIfCancellationRequested();
            await connection.CheckAsync();
            waited += Interval;
            await Console.Error.WriteLineAsync($"{what}: {waited.TotalSeconds:0} s so far");
        }
        return await call;
    }
}

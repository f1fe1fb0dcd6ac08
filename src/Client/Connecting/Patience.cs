namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>Awaits calls that touch all trials of a sweep, which may take a minute, for as long as the one that is called lives.</summary>
internal static class Patience
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <param name="what">What a person is told every ten seconds.</param>
    /// <exception cref="TimeoutException">Nobody answers any more.</exception>
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

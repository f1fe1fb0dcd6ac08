using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Grains.Store;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class PatienceTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly TextWriter _errors = Console.Error;
    private readonly StringWriter _said = new();
    private readonly TaskCompletionSource<int> _call = new();

    public PatienceTests() => Console.SetError(_said);

    public void Dispose()
    {
        Console.SetError(_errors);
        _said.Dispose();
    }

    [Fact]
    public async Task AwaitAsync_LongCallOfOneThatLives_IsAwaitedAndTold()
    {
        var awaiting = AwaitAsync(() => Task.CompletedTask);

        await PassAsync(TimeSpan.FromSeconds(60), () => Said("storing: 60 s so far"));
        _call.SetResult(7);

        Assert.Equal(7, await awaiting);
        Assert.Contains($"storing: 10 s so far{Environment.NewLine}", _said.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AwaitAsync_NobodyAnswersAnyMore_EndsAtTheFirstLook()
    {
        var awaiting = AwaitAsync(() => Task.FromException(new TimeoutException("nobody")));

        await PassAsync(TimeSpan.FromSeconds(10), () => awaiting.IsCompleted);

        await Assert.ThrowsAsync<TimeoutException>(() => awaiting);
    }

    [Fact]
    public async Task AwaitAsync_Cancelled_Ends()
    {
        using var interruption = new CancellationTokenSource();
        var awaiting = AwaitAsync(() => Task.CompletedTask, interruption.Token);

        await interruption.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => awaiting);
    }

    private Task<int> AwaitAsync(Func<Task> look, CancellationToken cancellation = default)
    {
        var management = Fake<IManagementGrain>.Of((_, _) => Look());
        var grains = Fake<IGrainFactory>.Of((_, _) => management);
        var connection = new SweepConnection(
            grains, Fake<ISweepReader>.Of((_, _) => null), "process 1", () => ValueTask.CompletedTask, CancellationToken.None);
        return Patience.AwaitAsync(_call.Task, "storing", connection, _time, cancellation);

        async Task<Dictionary<SiloAddress, SiloStatus>> Look()
        {
            await look();
            return [];
        }
    }

    private bool Said(string text)
    {
        // Whoever writes to the console holds this lock.
        lock (Console.Error)
            return _said.ToString().Contains(text, StringComparison.Ordinal);
    }

    /// <summary>Lets time pass until something has happened; at least so much must have passed by then.</summary>
    private async Task PassAsync(TimeSpan least, Func<bool> happened)
    {
        var (began, deadline) = (_time.GetUtcNow(), DateTime.UtcNow.AddMinutes(1));
        while (!happened())
        {
            Assert.True(DateTime.UtcNow < deadline, $"It has not happened. Said: {_said}");
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.True(_time.GetUtcNow() - began >= least);
    }
}

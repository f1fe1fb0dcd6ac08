using DeepTrain.Cluster.Grains.Sweeps;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class GateTests
{
    private readonly Gate _gate = new();

    [Fact]
    public async Task PassAsync_OthersPass_RunsBesideThem()
    {
        var (first, second) = (new TaskCompletionSource<int>(), new TaskCompletionSource<int>());
        var (one, two) = (_gate.PassAsync(() => first.Task), _gate.PassAsync(() => second.Task));

        second.SetResult(2);
        Assert.Equal(2, await two);
        Assert.False(one.IsCompleted);
        first.SetResult(1);
        Assert.Equal(1, await one);
    }

    [Fact]
    public async Task AloneAsync_OthersPass_WaitsForThemAndHoldsTheNext()
    {
        var (passing, working) = (new TaskCompletionSource<int>(), new TaskCompletionSource());
        var (began, later) = (false, false);
        var pass = _gate.PassAsync(() => passing.Task);

        var alone = _gate.AloneAsync(() =>
        {
            began = true;
            return working.Task;
        });
        var next = _gate.PassAsync(() => Task.FromResult(later = true));

        Assert.False(began);
        passing.SetResult(0);
        await pass;
        Assert.Equal((true, false), (began, later));
        working.SetResult();
        await alone;
        Assert.True(await next);
    }

    [Fact]
    public async Task AloneAsync_Twice_OneAfterTheOther()
    {
        var working = new TaskCompletionSource();
        var first = _gate.AloneAsync(() => working.Task);
        var began = false;
        var second = _gate.AloneAsync(() =>
        {
            began = true;
            return Task.CompletedTask;
        });

        Assert.False(began);
        working.SetResult();
        await Task.WhenAll(first, second);
        Assert.True(began);
    }

    [Fact]
    public async Task AnyAsync_Fails_LetsTheNextIn()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => _gate.PassAsync<int>(() => throw new InvalidOperationException()));
        await Assert.ThrowsAsync<InvalidOperationException>(() => _gate.AloneAsync(() => throw new InvalidOperationException()));

        Assert.Equal(3, await _gate.PassAsync(() => Task.FromResult(3)));
    }
}

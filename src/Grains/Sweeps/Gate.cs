namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>Lets calls run concurrently, or one call exclusively. Only for the turns of one grain: it is not thread-safe.</summary>
internal sealed class Gate
{
    private int _passing;
    private TaskCompletionSource? _closed;
    private TaskCompletionSource? _deserted;

    /// <summary>Runs concurrently with other calls of this method, but not during an exclusive one.</summary>
    public async Task<T> PassAsync<T>(Func<Task<T>> work)
    {
        while (_closed is { } closed)
            await closed.Task;
        _passing++;
        try
        {
            return await work();
        }
        finally
        {
            if (--_passing == 0)
                _deserted?.TrySetResult();
        }
    }

    /// <inheritdoc cref="PassAsync{T}"/>
    public Task PassAsync(Func<Task> work) => PassAsync(async () =>
    {
        await work();
        return true;
    });

    /// <summary>Waits until running calls end, blocks new ones, and runs. Not to be called within <see cref="PassAsync{T}"/>.</summary>
    public async Task AloneAsync(Func<Task> work)
    {
        while (_closed is { } closed)
            await closed.Task;
        var opened = _closed = new();
        try
        {
            if (_passing > 0)
            {
                _deserted = new();
                await _deserted.Task;
                _deserted = null;
            }
            await work();
        }
        finally
        {
            _closed = null;
            opened.SetResult();
        }
    }
}

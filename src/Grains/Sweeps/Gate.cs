namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>Lets many pass side by side, and now and then one alone. For the turns of one grain: it knows no threads.</summary>
internal sealed class Gate
{
    private int _passing;
    private TaskCompletionSource? _closed;
    private TaskCompletionSource? _deserted;

    /// <summary>Runs beside others that pass, but not while one is alone.</summary>
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

    /// <summary>Lets those who pass end and nobody else begin, then runs. Must not be called by one who passes.</summary>
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

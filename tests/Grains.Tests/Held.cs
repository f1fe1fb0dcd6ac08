using System.Reflection;

namespace DeepTrain.Cluster.Grains.Tests;

/// <summary>The real one, but that answers of one of its methods are held back until the test lets them go, or fails them.</summary>
internal class Held<T> : DispatchProxy where T : class
{
    private static readonly MethodInfo HoldAnswer = typeof(Held<T>).GetMethod(nameof(HoldAsync), BindingFlags.NonPublic | BindingFlags.Static)!;

    private T _real = null!;
    private volatile Hold? _hold;

    public static (T Proxy, Held<T> Held) Of(T real)
    {
        var proxy = Create<T, Held<T>>();
        var held = (Held<T>)(object)proxy;
        held._real = real;
        return (proxy, held);
    }

    /// <summary>Holds back the next call's answer. What the call does is done before.</summary>
    public Hold Next(string method) => _hold = new(method);

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var answer = targetMethod!.Invoke(_real, args);
        if (_hold is not { } hold || hold.Method != targetMethod.Name)
            return answer;
        _hold = null;
        return HoldAnswer.MakeGenericMethod(targetMethod.ReturnType.GetGenericArguments()).Invoke(null, [answer, hold]);
    }

    private static async Task<TAnswer> HoldAsync<TAnswer>(Task<TAnswer> answer, Hold hold)
    {
        var result = await answer;
        hold.Reached.SetResult();
        await hold.Released.Task;
        return result;
    }
}

/// <summary>An answer that is held back.</summary>
internal sealed record Hold(string Method)
{
    /// <summary>The answer is there, and held.</summary>
    public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completed by the test: the caller gets the answer, or the exception.</summary>
    public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

using System.Collections.Concurrent;
using DeepTrain.Cluster.Client.Tests;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>Grains whose answers a test makes up: what it does not script fails.</summary>
internal sealed class ScriptedGrains
{
    private readonly ConcurrentDictionary<string, Func<string, object?[], object?>> _answers = new();

    public ScriptedGrains() => Factory = Fake<IGrainFactory>.Of((_, arguments) => Grain((GrainId)arguments[0]!));

    public IGrainFactory Factory { get; }

    /// <summary>What was called, as <c>Grain.Method</c>, in order.</summary>
    public ConcurrentQueue<string> Calls { get; } = [];

    /// <param name="method">As <c>Grain.Method</c>: the grain is Sweep, Trial or Dispatcher.</param>
    /// <param name="answer">Given the grain's key and the arguments, what the method returns.</param>
    public ScriptedGrains On(string method, Func<string, object?[], object?> answer)
    {
        _answers[method] = answer;
        return this;
    }

    private object Grain(GrainId id) => $"{id.Type}" switch
    {
        "sweep" => Fake<ISweepGrain>.Of((method, arguments) => Answer($"Sweep.{method}", id, arguments)),
        "trial" => Fake<ITrialGrain>.Of((method, arguments) => Answer($"Trial.{method}", id, arguments)),
        "dispatcher" => Fake<IDispatcherGrain>.Of((method, arguments) => Answer($"Dispatcher.{method}", id, arguments)),
        var other => throw new NotSupportedException($"There is no grain of type {other}."),
    };

    private object? Answer(string call, GrainId id, object?[] arguments)
    {
        Calls.Enqueue(call);
        return _answers.TryGetValue(call, out var answer)
            ? answer($"{id.Key}", arguments)
            : throw new NotSupportedException($"The test does not say what {call} answers.");
    }
}

using System.Collections.Concurrent;
using DeepTrain.Cluster.Client.Tests;
using DeepTrain.Cluster.Grains.Sweeps;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>Coordinators whose answers a test makes up; it counts their calls.</summary>
/// <param name="answer">What the coordinator of a sweep returns when it is called the n-th time.</param>
internal sealed class FakeGrains(Func<string, int, object?> answer)
{
    private readonly ConcurrentDictionary<string, int> _calls = [];

    public IGrainFactory Factory => Fake<IGrainFactory>.Of((_, key) => Fake<ISweepGrain>.Of((_, _) =>
    {
        var sweepId = $"{((GrainId)key[0]!).Key}";
        return answer(sweepId, _calls.AddOrUpdate(sweepId, 1, (_, calls) => calls + 1));
    }));

    public int Calls(string sweepId) => _calls.GetValueOrDefault(sweepId);
}

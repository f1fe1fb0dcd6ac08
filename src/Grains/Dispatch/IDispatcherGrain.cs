using Orleans.Concurrency;

namespace DeepTrain.Cluster.Grains;

/// <summary>Says which sweep a free slot works for next, so that sweeps share the slots fairly. One per cluster; awaits no other grain.</summary>
[Alias("DeepTrain.Dispatcher")]
public interface IDispatcherGrain : IGrainWithIntegerKey
{
    /// <summary>A coordinator says how many trials of its sweep wait; 0 takes the sweep off the list.</summary>
    [OneWay, Alias("Announce")]
    Task Announce(string sweepId, int waiting);

    /// <summary>A free slot asks for work. Null: nothing waits.</summary>
    [Alias("Next")]
    Task<Assignment?> Next(SlotId slot, int slotsOfSilo);
}

/// <summary>One lane of one silo.</summary>
[GenerateSerializer, Immutable, Alias("DeepTrain.SlotId")]
public sealed record SlotId([property: Id(0)] string Silo, [property: Id(1)] int Number);

/// <summary>Where a slot asks for a cohort.</summary>
/// <param name="Slots">How many slots the cluster has, by what the dispatcher heard lately.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.Assignment")]
public sealed record Assignment([property: Id(0)] string SweepId, [property: Id(1)] int Slots);

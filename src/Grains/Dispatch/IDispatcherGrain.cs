using System.Collections.Immutable;
using Orleans.Concurrency;

namespace DeepTrain.Cluster.Grains.Dispatch;

/// <summary>Says which sweep a free slot works for next, so that sweeps share the slots fairly. One per cluster; awaits no other grain.</summary>
[Alias("DeepTrain.Dispatcher")]
public interface IDispatcherGrain : IGrainWithIntegerKey
{
    /// <summary>A coordinator says how many trials of its sweep wait; none takes the sweep off the list.</summary>
    [OneWay, Alias("Announce")]
    Task Announce(string sweepId, Offer offer);

    /// <summary>A free slot asks for work. Null: nothing waits.</summary>
    /// <param name="device">The kind of device that it is of: cpu or cuda.</param>
    /// <param name="except">Sweeps that have just held back what waits from this slot.</param>
    [Alias("Next")]
    Task<Assignment?> Next(SlotId slot, int slotsOfSilo, string device, ImmutableArray<string> except);

    /// <summary>A coordinator says which slots train for its sweep; the answer is those of them that another sweep should have.</summary>
    /// <param name="device">The kind of devices that these slots are of; null where there are none.</param>
    [Alias("Share")]
    Task<ImmutableHashSet<SlotId>> Share(string sweepId, int priority, string? device, ImmutableArray<SlotId> slots);
}

/// <summary>What a sweep has for free slots.</summary>
/// <param name="Waiting">Trials that nobody trains.</param>
/// <param name="Priority">Sweeps of a higher one are served first.</param>
/// <param name="MaxSlots">The most slots that may train for it at once; null: all.</param>
/// <param name="Device">The kind of devices that may; null: any.</param>
/// <param name="NeedsEmptySilo">All that wait are suspects: each is leased alone, to a silo that trains nothing else.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.Offer")]
public sealed record Offer([property: Id(0)] int Waiting, [property: Id(1)] int Priority, [property: Id(2)] int? MaxSlots,
    [property: Id(3)] string? Device = null, [property: Id(4)] bool NeedsEmptySilo = false)
{
    public static Offer Nothing { get; } = new(0, 0, null);
}

/// <summary>One lane of one silo.</summary>
[GenerateSerializer, Immutable, Alias("DeepTrain.SlotId")]
public sealed record SlotId([property: Id(0)] string Silo, [property: Id(1)] int Number);

/// <summary>Where a slot asks for a cohort.</summary>
/// <param name="Slots">How many slots the cluster has, by what the dispatcher heard lately.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.Assignment")]
public sealed record Assignment([property: Id(0)] string SweepId, [property: Id(1)] int Slots);

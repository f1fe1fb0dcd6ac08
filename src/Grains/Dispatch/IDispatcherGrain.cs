using System.Collections.Immutable;
using Orleans.Concurrency;

namespace DeepTrain.Cluster.Grains.Dispatch;

/// <summary>Decides which sweep a free slot works for next, to share the slots fairly. One per cluster; calls no other grain.</summary>
[Alias("DeepTrain.Dispatcher")]
public interface IDispatcherGrain : IGrainWithIntegerKey
{
    /// <summary>A coordinator reports how many trials of its sweep wait; 0 removes the sweep from the list.</summary>
    [OneWay, Alias("Announce")]
    Task Announce(string sweepId, Offer offer);

    /// <summary>A free slot asks for work. Returns null if nothing waits.</summary>
    /// <param name="device">The kind of the slot's device: cpu or cuda.</param>
    /// <param name="except">Sweeps that have just refused this slot.</param>
    [Alias("Next")]
    Task<Assignment?> Next(SlotId slot, int slotsOfSilo, string device, ImmutableArray<string> except);

    /// <summary>A coordinator reports which slots train for its sweep; returns those that another sweep should have.</summary>
    /// <param name="device">The kind of device of these slots; null if there are none.</param>
    [Alias("Share")]
    Task<ImmutableHashSet<SlotId>> Share(string sweepId, int priority, string? device, ImmutableArray<SlotId> slots);
}

/// <summary>What a sweep offers to free slots.</summary>
/// <param name="Waiting">The number of waiting trials.</param>
/// <param name="Priority">Sweeps of a higher priority are served first.</param>
/// <param name="MaxSlots">The most slots that may train for it at once; null: there is no limit.</param>
/// <param name="Device">The kind of device that may train it; null: any.</param>
/// <param name="NeedsEmptySilo">All waiting trials are suspects: each is leased alone, to a silo that trains nothing else.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.Offer")]
public sealed record Offer([property: Id(0)] int Waiting, [property: Id(1)] int Priority, [property: Id(2)] int? MaxSlots,
    [property: Id(3)] string? Device = null, [property: Id(4)] bool NeedsEmptySilo = false)
{
    public static Offer Nothing { get; } = new(0, 0, null);
}

/// <summary>A slot of a silo, by its number.</summary>
[GenerateSerializer, Immutable, Alias("DeepTrain.SlotId")]
public sealed record SlotId([property: Id(0)] string Silo, [property: Id(1)] int Number);

/// <summary>The sweep that a slot asks for a cohort.</summary>
/// <param name="Slots">The cluster's slots, as far as the dispatcher has recently heard of them.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.Assignment")]
public sealed record Assignment([property: Id(0)] string SweepId, [property: Id(1)] int Slots);

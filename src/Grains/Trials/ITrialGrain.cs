using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Trials;

/// <summary>One trial in training: which slot trains it, its progress, and the switch that stops it. Keyed by the trial's id.</summary>
[Alias("DeepTrain.Trial")]
public interface ITrialGrain : IGrainWithStringKey
{
    /// <summary>The slot that leased the trial starts it. Returns false if a later fence holds the trial or this is another silo.</summary>
    [Alias("Admit")]
    Task<bool> Admit(Ticket ticket);

    /// <summary>The store has judged the trial's ending, or the slot has given it up: no more reports come under this fence.</summary>
    [Alias("Settle")]
    Task Settle(long fence);

    /// <summary>Ends the trial after its next epoch as <see cref="Outcome.Stopped"/>. False if it is not in training here.</summary>
    [Alias("Stop")]
    Task<bool> Stop();

    /// <summary>The trial's current state, from the slot that trains it.</summary>
    [Alias("Inspect")]
    Task<TrialView> Inspect();
}

/// <summary>What a slot presents when it starts a trial.</summary>
[GenerateSerializer, Immutable, Alias("DeepTrain.Ticket")]
public sealed record Ticket(
    [property: Id(0)] SlotId Slot, [property: Id(1)] Guid Lease, [property: Id(2)] long Fence, [property: Id(3)] int Attempt);

[GenerateSerializer, Alias("DeepTrain.TrialState")]
public enum TrialState
{
    /// <summary>No slot of this silo trains it.</summary>
    Idle,
    Training,

    /// <summary>Its ending is on the way to the store.</summary>
    Ending,
}

/// <param name="LastReport">The last epoch that was trained under the ticket; null if there is none yet.</param>
[GenerateSerializer, Immutable, Alias("DeepTrain.TrialView")]
public sealed record TrialView(
    [property: Id(0)] TrialState State,
    [property: Id(1)] Ticket? Ticket,
    [property: Id(4)] EpochReport? LastReport,
    [property: Id(3)] bool StopRequested);

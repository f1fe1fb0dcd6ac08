using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo;

/// <summary>The trainers of a silo's devices.</summary>
/// <param name="trainers">At least one.</param>
internal sealed class SlotTrainers(ImmutableArray<ITrainer> trainers)
{
    /// <summary>Slots have the devices in turn.</summary>
    /// <param name="slot">Counted from 0.</param>
    public ITrainer Of(int slot) => trainers[slot % trainers.Length];
}

using System.Collections.Immutable;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Trainers;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>The trainers of a silo's devices.</summary>
/// <param name="trainers">At least one.</param>
internal sealed class SlotTrainers(ImmutableArray<ITrainer> trainers)
{
    /// <summary>Creates trainers for all devices of this process.</summary>
    /// <param name="slots">How many slots share the devices, assigned in turn.</param>
    public static SlotTrainers On(TrainingDevices devices, int slots, DatasetSources datasets, CommandPolicy commands, TimeProvider time)
    {
        var slotsOfOne = Math.Max(1, (slots + devices.Devices.Length - 1) / devices.Devices.Length);
        return new([.. devices.Devices.Select(device => new TrainerSelector(new FusedTrainer(time, datasets, device.SharedBy(slotsOfOne)), commands, time))]);
    }

    /// <summary>Slots are assigned to the devices in turn.</summary>
    /// <param name="slot">Counted from 0.</param>
    public ITrainer Of(int slot) => trainers[slot % trainers.Length];
}

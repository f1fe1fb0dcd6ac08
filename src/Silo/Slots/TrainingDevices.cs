using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Checkpoints;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>The devices that this process trains on, and their provenance.</summary>
/// <param name="Devices">All of one kind, at least one; slots are assigned to them in turn.</param>
internal sealed record TrainingDevices(Provenance Provenance, ImmutableArray<ComputeDevice> Devices)
{
    /// <param name="kind">Null: GPUs if libtorch can use any, otherwise the processor.</param>
    /// <param name="tf32">Whether GPUs may round the factors of products to TensorFloat-32.</param>
    /// <param name="warn">Called if there are GPUs that stay idle.</param>
    /// <exception cref="TrainerException">There is no libtorch, or no device of the kind.</exception>
    public static TrainingDevices Find(DeviceKind? kind, bool tf32, Action<string> warn)
    {
        var torch = TorchRuntime.Describe();
        var (devices, idle) = TorchRuntime.Devices(kind);
        if (idle is not null)
            warn(idle);
        if (devices[0].Kind is DeviceKind.Cpu)
            return new(new(CodeVersion.Current, torch.LibTorch, $"{torch.CpuCapability}{(torch.FlushesDenormals ? ", flush-to-zero" : "")}", "cpu"), devices);
        TorchRuntime.AllowTf32(tf32);
        var names = string.Join(", ", devices.Select(device => device.Name).Distinct());
        return new(new(CodeVersion.Current, torch.LibTorch, tf32 ? $"{names}, TF32" : names, "cuda"), devices);
    }

    /// <param name="wanted">Null: one per core, or one per GPU.</param>
    public int Slots(int? wanted) => wanted ?? (Devices[0].Kind is DeviceKind.Cpu ? Environment.ProcessorCount : Devices.Length);
}

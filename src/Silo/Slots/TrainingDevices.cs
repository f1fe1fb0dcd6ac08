using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Checkpoints;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>What this process trains with.</summary>
/// <param name="Devices">All of one kind, and at least one; slots have them in turn.</param>
internal sealed record TrainingDevices(Provenance Provenance, ImmutableArray<ComputeDevice> Devices)
{
    /// <param name="kind">Null: GPUs where there are any that libtorch can use, else the processor.</param>
    /// <param name="tf32">Whether GPUs may round the factors of products to TensorFloat-32.</param>
    /// <param name="warn">Told where there are GPUs that will stay idle.</param>
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

    /// <param name="wanted">Null: one a core, or one a GPU.</param>
    public int Slots(int? wanted) => wanted ?? (Devices[0].Kind is DeviceKind.Cpu ? Environment.ProcessorCount : Devices.Length);
}

using System.Collections.Immutable;
using System.Globalization;
using TorchSharp;

namespace DeepTrain.Cluster.Training.Native;

/// <summary>The kinds of devices for training. All trials of a sweep are trained on the same kind.</summary>
public enum DeviceKind
{
    Cpu,
    Cuda,
}

/// <summary>The device on which a slot trains.</summary>
/// <param name="Index">Counted from 0 among the devices of its kind that this process may use.</param>
/// <param name="Memory">The bytes of device memory that a slot may use; 0 where the device has no memory of its own.</param>
public sealed record ComputeDevice(DeviceKind Kind, int Index, string Name, long Memory)
{
    /// <summary>The processor.</summary>
    public static ComputeDevice Processor { get; } = new(DeviceKind.Cpu, 0, "", 0);

    /// <summary>The GPUs that CUDA_VISIBLE_DEVICES and MIG allow this process to use; empty where there is no driver.</summary>
    public static ImmutableArray<ComputeDevice> Gpus() =>
        [.. CudaDriver.Devices().Select((device, index) => new ComputeDevice(DeviceKind.Cuda, index, device.Name, device.Memory))];

    /// <summary>What the last bits of results depend on besides libtorch's version: the instruction set, or the GPU's rounding.</summary>
    internal string Arithmetic => Kind is DeviceKind.Cpu ? TorchRuntime.Describe().CpuCapability : TorchRuntime.AllowsTf32 ? $"{Name}, TF32" : Name;

    /// <summary>The bytes of free device memory; null where the device has no memory of its own.</summary>
    internal long? FreeMemory() => Kind is DeviceKind.Cpu ? null : CudaDriver.FreeMemory();

    /// <summary>Waits until the device has finished all its work.</summary>
    internal void Synchronise()
    {
        if (Kind is DeviceKind.Cuda)
            torch.cuda.synchronize(Torch);
    }

    /// <summary>The device with the share of its memory that each of several slots may use.</summary>
    public ComputeDevice SharedBy(int slots) => this with { Memory = Memory / slots };

    internal torch.Device Torch => Kind is DeviceKind.Cpu ? torch.CPU : new(DeviceType.CUDA, Index);

    public override string ToString() => Kind is DeviceKind.Cpu ? "cpu" : string.Create(CultureInfo.InvariantCulture, $"cuda:{Index}");
}

using System.Collections.Immutable;
using System.Globalization;
using TorchSharp;

namespace DeepTrain.Cluster.Training.Native;

/// <summary>The kinds of devices that trials are trained on. All trials of a sweep are trained on one kind.</summary>
public enum DeviceKind
{
    Cpu,
    Cuda,
}

/// <summary>What a slot trains on.</summary>
/// <param name="Index">Counted from 0 among those of its kind that this process may use.</param>
/// <param name="Memory">What a slot may count on of its own memory, in bytes; 0 where it has none of its own.</param>
public sealed record ComputeDevice(DeviceKind Kind, int Index, string Name, long Memory)
{
    /// <summary>The processor.</summary>
    public static ComputeDevice Processor { get; } = new(DeviceKind.Cpu, 0, "", 0);

    /// <summary>The GPUs that this process may use, as CUDA_VISIBLE_DEVICES and MIG have it; none where there is no driver.</summary>
    public static ImmutableArray<ComputeDevice> Gpus() =>
        [.. CudaDriver.Devices().Select((device, index) => new ComputeDevice(DeviceKind.Cuda, index, device.Name, device.Memory))];

    /// <summary>What the last bits of its results depend on beside libtorch's version: the instruction set, or the GPU and how it rounds.</summary>
    internal string Arithmetic => Kind is DeviceKind.Cpu ? TorchRuntime.Describe().CpuCapability : TorchRuntime.AllowsTf32 ? $"{Name}, TF32" : Name;

    /// <summary>Bytes of its own memory that are free; null where it has none of its own.</summary>
    internal long? FreeMemory() => Kind is DeviceKind.Cpu ? null : CudaDriver.FreeMemory();

    /// <summary>Returns when it has done all that it was asked for.</summary>
    internal void Synchronise()
    {
        if (Kind is DeviceKind.Cuda)
            torch.cuda.synchronize(Torch);
    }

    /// <summary>As one of several slots may use it: with its part of the memory.</summary>
    public ComputeDevice SharedBy(int slots) => this with { Memory = Memory / slots };

    internal torch.Device Torch => Kind is DeviceKind.Cpu ? torch.CPU : new(DeviceType.CUDA, Index);

    public override string ToString() => Kind is DeviceKind.Cpu ? "cpu" : string.Create(CultureInfo.InvariantCulture, $"cuda:{Index}");
}

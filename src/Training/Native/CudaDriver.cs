using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace DeepTrain.Cluster.Training.Native;

/// <summary>Lists GPUs through NVIDIA's driver, which exists wherever a GPU can be used and does not need libtorch.</summary>
/// <remarks>https://docs.nvidia.com/cuda/cuda-driver-api/</remarks>
internal static partial class CudaDriver
{
    private const string Driver = "nvidia-driver";
    private const int Success = 0;
    private const int LongestName = 256;

    static CudaDriver() => NativeLibrary.SetDllImportResolver(typeof(CudaDriver).Assembly, (name, _, _) =>
        name == Driver && NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out var driver) ? driver : 0);

    /// <summary>The GPUs in CUDA's order; empty where there is no driver, or no GPU for this process.</summary>
    public static ImmutableArray<(string Name, long Memory)> Devices()
    {
        try
        {
            if (Initialise(0) != Success || CountOf(out var count) != Success)
                return [];
            return [.. Enumerable.Range(0, count).Select(Describe)];
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return [];
        }
    }

    /// <summary>The free memory of the device that this thread used last.</summary>
    public static long FreeMemory() => MemoryInfo(out var free, out _) == Success ? (long)free : throw new InvalidOperationException(
        "NVIDIA's driver does not say how much memory is free: this thread has used no device yet.");

    private static unsafe (string Name, long Memory) Describe(int ordinal)
    {
        var name = stackalloc byte[LongestName];
        return DeviceOf(out var device, ordinal) == Success && NameOf(name, LongestName, device) == Success && MemoryOf(out var bytes, device) == Success
            ? (Marshal.PtrToStringUTF8((nint)name) ?? "", (long)bytes)
            : throw new InvalidOperationException($"NVIDIA's driver counts device {ordinal} and does not describe it.");
    }

    [LibraryImport(Driver, EntryPoint = "cuInit")]
    private static partial int Initialise(uint flags);

    [LibraryImport(Driver, EntryPoint = "cuDeviceGetCount")]
    private static partial int CountOf(out int count);

    [LibraryImport(Driver, EntryPoint = "cuDeviceGet")]
    private static partial int DeviceOf(out int device, int ordinal);

    [LibraryImport(Driver, EntryPoint = "cuDeviceGetName")]
    private static unsafe partial int NameOf(byte* name, int length, int device);

    [LibraryImport(Driver, EntryPoint = "cuMemGetInfo_v2")]
    private static partial int MemoryInfo(out nuint free, out nuint total);

    [LibraryImport(Driver, EntryPoint = "cuDeviceTotalMem_v2")]
    private static partial int MemoryOf(out nuint bytes, int device);
}

using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using TorchSharp;

namespace DeepTrain.Cluster.Training.Native;

/// <summary>What the last bits of a result depend on besides its configuration, replicate and data.</summary>
/// <param name="LibTorch">The version of the native library.</param>
/// <param name="CpuCapability">The instruction set of its kernels: <c>AVX512</c>, <c>AVX2</c>, <c>DEFAULT</c>.</param>
/// <param name="FlushesDenormals">Whether training threads flush denormal numbers to zero.</param>
public sealed record TorchDescription(string LibTorch, string CpuCapability, bool FlushesDenormals);

/// <summary>The native libtorch of this process, which is loaded once and configured before its first operation.</summary>
public static partial class TorchRuntime
{
    /// <summary>The environment variable that names a folder with libtorch, to use in place of the one next to the program.</summary>
    public const string FolderVariable = "DEEPTRAIN_LIBTORCH";

    private static readonly Lazy<TorchDescription> Loaded = new(Load);

    // Parts of the messages of libtorch's allocators.
    private static readonly string[] OutOfMemory = ["can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED"];

    /// <summary>Sets the folder from which to load libtorch, as <see cref="FolderVariable"/> does; null has no effect.</summary>
    public static void UseFolder(string? folder)
    {
        if (folder is not null)
            Environment.SetEnvironmentVariable(FolderVariable, Path.GetFullPath(folder));
    }

    /// <summary>Loads libtorch once in the process.</summary>
    /// <exception cref="TrainerException">It is missing or cannot be loaded; the message says what to do.</exception>
    public static void EnsureLoaded() => _ = Loaded.Value;

    /// <inheritdoc cref="EnsureLoaded"/>
    public static TorchDescription Describe() => Loaded.Value;

    /// <summary>The devices of a kind that this process can train on.</summary>
    /// <param name="kind">Null: GPUs if libtorch can use any, otherwise the processor.</param>
    /// <returns>At least one device, and the reason why GPUs are not used, if so.</returns>
    /// <exception cref="TrainerException">libtorch is missing, or GPUs are required but unavailable; the message says why.</exception>
    public static (ImmutableArray<ComputeDevice> Devices, string? Idle) Devices(DeviceKind? kind)
    {
        EnsureLoaded();
        if (kind is DeviceKind.Cpu)
            return ([ComputeDevice.Processor], null);
        var gpus = ComputeDevice.Gpus();
        if (gpus.IsEmpty)
            return kind is null ? ([ComputeDevice.Processor], null) : throw new TrainerException(FailureClass.NoTorch,
                "There is no GPU for this process: NVIDIA's driver is not there, or CUDA_VISIBLE_DEVICES hides all of them. Look at nvidia-smi, or train on the processor (device cpu).");
        if (torch.cuda.is_available())
            return (gpus, null);
        var idle = $"There is a GPU ({gpus[0].Name}) that libtorch {Describe().LibTorch} cannot use: that was built without CUDA, or for another driver. "
            + $"Build with -p:TorchBackend=cuda; or with none, and name the torch/lib folder of a PyTorch that can use it in {FolderVariable}.";
        return kind is null ? ([ComputeDevice.Processor], idle) : throw new TrainerException(FailureClass.NoTorch, idle);
    }

    internal static bool AllowsTf32 => torch.backends.cuda.matmul.allow_tf32;

    /// <summary>Whether an error means that a device ran out of memory. libtorch's errors have no .NET type of their own.</summary>
    public static bool IsOutOfMemory(Exception error) =>
        error is OutOfMemoryException || OutOfMemory.Any(phrase => error.Message.Contains(phrase, StringComparison.OrdinalIgnoreCase));

    /// <summary>Sets for the whole process whether matrix products on GPUs may round their factors to 10 bits (TensorFloat-32).</summary>
    public static void AllowTf32(bool allow)
    {
        torch.backends.cuda.matmul.allow_tf32 = allow;
        torch.backends.cudnn.allow_tf32 = allow;
    }

    /// <summary>Makes this thread, and threads that it starts, flush denormals to zero, which are a hundred times slower.</summary>
    /// <returns>Whether the platform supports it.</returns>
    internal static bool FlushDenormals()
    {
        try
        {
            return SetFlushDenormal(GlobalContext(), true);
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    private static TorchDescription Load()
    {
        KeepBitsSideBySide();
        var folder = Environment.GetEnvironmentVariable(FolderVariable);
        if (folder is { Length: > 0 })
            LibTorchFolder.Load(folder);
        RaiseAllocatorThresholds();
        try
        {
            if (folder is not { Length: > 0 } && !LibTorchFolder.LoadOwn())
                throw NoLibTorch();
            KeepKernelsAsTheyAre();
            // One thread for each slot is faster than several threads in one operation. It must be set before the first operation.
            torch.set_num_threads(1);
            return new(Version(), CpuCapability(), CanFlushDenormals());
        }
        catch (Exception error) when (error is TypeInitializationException or DllNotFoundException or BadImageFormatException or NotSupportedException)
        {
            throw new TrainerException(FailureClass.NoTorch,
                $"libtorch is there but does not load ({error.GetBaseException().Message}): rebuild with -p:TorchBackend=cpu on this system.",
                error);
        }
    }

    private static TrainerException NoLibTorch()
    {
        var backend = typeof(TorchRuntime).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(data => data.Key == "TorchBackend").Value;
        return new(FailureClass.NoTorch,
            $"Training needs libtorch beside the program, and this one was built with TorchBackend={backend} for another system or "
            + $"without it: build with -p:TorchBackend=cpu on the system that is to train, or name a folder with a libtorch in {FolderVariable}.");
    }

    /// <summary>
    /// Makes MKL give a product the same bits at any memory address, since a trial's matrices have other addresses in a cohort. MKL reads
    /// the environment of the process at its first product.
    /// </summary>
    // oneMKL Developer Guide, "Obtaining Numerically Reproducible Results".
    private static void KeepBitsSideBySide()
    {
        const string name = "MKL_CBWR";
        const string value = "AUTO";
        if (OperatingSystem.IsWindows())
            _ = PutEnvironment(name, value);
        else
            _ = SetEnvironment(name, value, overwrite: 1);
    }

    /// <summary>
    /// Prevents TorchScript from fusing operators on a GPU. It would do so only after some calls, and the fused kernel rounds differently,
    /// so that a trial's numbers would depend on earlier work of the process.
    /// </summary>
    private static void KeepKernelsAsTheyAre()
    {
        try
        {
            EnableTensorExpressionFuser(false);
        }
        catch (EntryPointNotFoundException)
        {
            // The setting has another name on this platform.
        }
    }

    /// <summary>Keeps freed large blocks for the next step. By default, glibc returns them to the system, and page faults follow.</summary>
    private static void RaiseAllocatorThresholds()
    {
        const int trimThreshold = -1;
        const int mmapThreshold = -3;
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            _ = Mallopt(mmapThreshold, 1 << 30);
            _ = Mallopt(trimThreshold, 1 << 30);
        }
        catch (EntryPointNotFoundException)
        {
            // Other C libraries do not have this function and do not need it.
        }
    }

    /// <summary>Tests it on a separate thread, because it cannot be undone.</summary>
    private static bool CanFlushDenormals()
    {
        var can = false;
        var trial = new Thread(() => can = FlushDenormals());
        trial.Start();
        trial.Join();
        return can;
    }

    /// <summary>The version of the loaded libtorch. TorchSharp only knows the one that it was built for.</summary>
    private static unsafe string Version() =>
        VersionIn().Match(Text(text => ShowConfig(text))) is { Success: true } found ? found.Groups[1].Value : torch.__version__;

    private static unsafe string CpuCapability() => Text(text => GetCpuCapability(text)) is { Length: > 0 } capability ? capability : "unknown";

    /// <summary>The result of a C++ function that returns a std::string; empty where this platform gives it another name.</summary>
    /// <remarks>The first two words of the string are the address and the length of its text. Its memory is not freed.</remarks>
    private static unsafe string Text(StringFunction function)
    {
        var text = stackalloc nint[4];
        try
        {
            function(text);
            return Encoding.ASCII.GetString((byte*)text[0], (int)text[1]);
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return "";
        }
    }

    private unsafe delegate void StringFunction(nint* text);

    [GeneratedRegex(@"TORCH_VERSION=([^,\s]+)", RegexOptions.CultureInvariant)]
    private static partial Regex VersionIn();

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int Mallopt(int parameter, int value);

    // .NET's own method changes a copy of the environment that native code does not see.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("ucrtbase", EntryPoint = "_putenv_s", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int PutEnvironment(string name, string value);

    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN5torch3jit25setTensorExprFuserEnabledEb")]
    private static partial void EnableTensorExpressionFuser([MarshalAs(UnmanagedType.U1)] bool on);

    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN2at13globalContextEv")]
    private static partial nint GlobalContext();

    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN2at7Context16setFlushDenormalEb")]
    [return: MarshalAs(UnmanagedType.U1)]
    private static partial bool SetFlushDenormal(nint context, [MarshalAs(UnmanagedType.U1)] bool on);

    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN2at11show_configB5cxx11Ev")]
    private static unsafe partial void ShowConfig(nint* text);

    [LibraryImport("libtorch_cpu", EntryPoint = "_ZN2at18get_cpu_capabilityB5cxx11Ev")]
    private static unsafe partial void GetCpuCapability(nint* text);
}

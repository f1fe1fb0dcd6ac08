using System.Runtime.InteropServices;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Training.Native;

/// <summary>Loads libtorch from a folder, such as <c>torch/lib</c> of a Python installation, in place of the program's own.</summary>
/// <remarks>
/// Once loaded, the libraries are found by name. TorchSharp's own library, which comes with the program, needs one version of libtorch.
/// All its symbols are looked up here, so that another version fails now and not during training.
/// </remarks>
internal static partial class LibTorchFolder
{
    private const int ResolveAll = 2; // RTLD_NOW

    // Each library follows those that it needs. The CUDA libraries are optional.
    private static readonly (string Name, bool IsNeeded)[] Libraries =
        [("c10", true), ("torch_cpu", true), ("c10_cuda", false), ("torch_cuda", false), ("torch", true)];

    /// <exception cref="TrainerException">The folder has no libtorch, or it cannot be loaded or has the wrong version.</exception>
    public static void Load(string folder)
    {
        if (Beside("torch_cpu") is { } beside)
            throw Unusable(folder, $"this program has a libtorch of its own ({beside}), and a process can have one only",
                "Build it without: -p:TorchBackend=none");
        foreach (var (name, isNeeded) in Libraries)
        {
            var path = Path.Combine(folder, FileName(name));
            if (!File.Exists(path))
            {
                if (isNeeded)
                    throw Unusable(folder, $"there is no {FileName(name)} in it",
                        "Name the folder that has it; of a Python installation that is what "
                        + "python -c \"import os, torch; print(os.path.join(os.path.dirname(torch.__file__), 'lib'))\" prints");
                continue;
            }
            try
            {
                NativeLibrary.Load(path);
            }
            catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
            {
                throw Unusable(folder, $"{FileName(name)} does not load: {error.Message}", "Is it complete, and made for this system?");
            }
        }
        if (Beside("LibTorchSharp") is { } own && Mismatch(own) is { } missing)
            throw Unusable(folder, $"it does not fit this program: {missing}",
                "Install the version of PyTorch that TorchSharp was made for, 2.10: pip install 'torch==2.10.*'");
    }

    private static TrainerException Unusable(string folder, string what, string remedy) =>
        new(FailureClass.NoTorch, $"{TorchRuntime.FolderVariable} is '{folder}': {what}. {remedy}.");

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    /// <summary>The path of a library that comes with the program, as builds and publications place it; null where there is none.</summary>
    private static string? Beside(string library) => ((string[])["", $"runtimes/{RuntimeInformation.RuntimeIdentifier}/native", "runtimes/linux-x64/native"])
        .Select(place => Path.Combine(AppContext.BaseDirectory, place, FileName(library)))
        .FirstOrDefault(File.Exists);

    /// <summary>A description of the symbols that a library needs but cannot find; null where nothing is missing.</summary>
    private static string? Mismatch(string path)
    {
        if (!OperatingSystem.IsLinux())
            return NativeLibrary.TryLoad(path, out _) ? null : $"{Path.GetFileName(path)} does not load with it";
        return Open(path, ResolveAll) == 0 ? Marshal.PtrToStringUTF8(Error()) ?? "unknown" : null;
    }

    [LibraryImport("libdl.so.2", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string path, int flags);

    [LibraryImport("libdl.so.2", EntryPoint = "dlerror")]
    private static partial nint Error();
}

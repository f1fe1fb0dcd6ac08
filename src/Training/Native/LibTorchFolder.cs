using System.Runtime.InteropServices;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Training.Native;

/// <summary>Loads the libtorch beside the program, or that of a folder, such as <c>torch/lib</c> of a Python installation.</summary>
/// <remarks>
/// Every library is loaded by its path, so that no other libtorch which the system has somewhere is taken by chance. Once loaded, the
/// libraries are found by their names, whoever asks for them. TorchSharp's own library, which comes with the program, was made for one
/// version of libtorch: all that it needs is looked up here, so that another version fails now and not in the middle.
/// </remarks>
internal static partial class LibTorchFolder
{
    private const int ResolveAll = 2; // RTLD_NOW

    // Each library follows those that it needs. The CUDA libraries are optional.
    private static readonly (string Name, bool IsNeeded)[] Libraries =
        [("c10", true), ("torch_cpu", true), ("c10_cuda", false), ("torch_cuda", false), ("torch", true)];

    /// <summary>Loads the libtorch that came with the program.</summary>
    /// <returns>Whether one came with it.</returns>
    /// <exception cref="DllNotFoundException">It does not load.</exception>
    /// <exception cref="BadImageFormatException">It was made for another system.</exception>
    public static bool LoadOwn()
    {
        if (Beside("torch_cpu") is not { } path)
            return false;
        foreach (var (name, _) in Libraries)
        {
            if (Path.Combine(Path.GetDirectoryName(path)!, FileName(name)) is var library && File.Exists(library))
                NativeLibrary.Load(library);
        }
        return true;
    }

    /// <exception cref="TrainerException">There is no libtorch in it, it does not load, or does not fit.</exception>
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

using System.Runtime.CompilerServices;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>libtorch is set up before the first product of any test, as in the program.</summary>
internal static class TorchSetup
{
    [ModuleInitializer]
    internal static void Load() => TorchRuntime.EnsureLoaded();
}

using System.Reflection;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>What this program calls itself: its version and, where it was built from a checkout, the commit.</summary>
public static class CodeVersion
{
    public static string Current { get; } =
        typeof(CodeVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}

using System.Reflection;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>The version of this program, with the commit if it was built from a checkout.</summary>
public static class CodeVersion
{
    public static string Current { get; } =
        typeof(CodeVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}

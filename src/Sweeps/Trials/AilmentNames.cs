using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>The names of ailments in results.</summary>
public static class AilmentNames
{
    private static readonly ImmutableArray<Ailments> InOrder = [.. Enum.GetValues<Ailments>().Where(ailment => ailment != Ailments.None)];

    /// <summary>The name of the first ailment, or <c>healthy</c> where there is none.</summary>
    public static string Verdict(this Ailments ailments) => ailments.Flags() is [var first, ..] ? first : "healthy";

    /// <summary>The names of all ailments.</summary>
    public static ImmutableArray<string> Flags(this Ailments ailments) =>
        [.. InOrder.Where(ailment => ailments.HasFlag(ailment)).Select(ailment => ailment.ToString().ToLowerInvariant())];
}

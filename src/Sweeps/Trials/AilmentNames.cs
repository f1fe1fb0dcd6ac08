using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps.Trials;

/// <summary>Ailments in the words that results use.</summary>
public static class AilmentNames
{
    private static readonly ImmutableArray<Ailments> InOrder = [.. Enum.GetValues<Ailments>().Where(ailment => ailment != Ailments.None)];

    /// <summary>The first of them; <c>healthy</c> without any.</summary>
    public static string Verdict(this Ailments ailments) => ailments.Flags() is [var first, ..] ? first : "healthy";

    /// <summary>All of them.</summary>
    public static ImmutableArray<string> Flags(this Ailments ailments) =>
        [.. InOrder.Where(ailment => ailments.HasFlag(ailment)).Select(ailment => ailment.ToString().ToLowerInvariant())];
}

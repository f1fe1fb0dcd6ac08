using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Client.CommandLine;

/// <summary>Finds the sweep that the user names.</summary>
internal static class SweepSelector
{
    private const int NamedAtMost = 10;

    /// <param name="sweeps">All sweeps, the newest first.</param>
    /// <param name="text">
    /// An id, a name (for its latest sweep) or the unique beginning of an id. Text of the form NAME-NUMBER is always a whole id: if it were
    /// taken for the beginning of another one, repeating a command after a deletion might affect another sweep.
    /// </param>
    /// <exception cref="UserException">The text matches no sweep, or several.</exception>
    public static SweepOverview Select(ImmutableArray<SweepOverview> sweeps, string text)
    {
        if (Find(sweeps, text) is { } exact)
            return exact;
        if (text.Length == 0 || IsId(text))
            throw new UserException(ExitCode.NotFound, None(sweeps, text));
        if (sweeps.Where(sweep => sweep.Name == text).MaxBy(sweep => sweep.Number) is { } latest)
            return latest;
        var candidates = sweeps.Where(sweep => sweep.Id.StartsWith(text, StringComparison.Ordinal)).ToList();
        return candidates.Count switch
        {
            1 => candidates[0],
            0 => throw new UserException(ExitCode.NotFound, None(sweeps, text)),
            _ => throw new UserException(ExitCode.NotFound, $"'{text}' may be any of {Ids(candidates)}: write more of it."),
        };
    }

    /// <summary>Finds the sweep with exactly this id, for actions that cannot be undone.</summary>
    /// <inheritdoc cref="Select"/>
    public static SweepOverview SelectById(ImmutableArray<SweepOverview> sweeps, string id) =>
        Find(sweeps, id) ?? throw new UserException(ExitCode.NotFound,
            $"{None(sweeps, id)} This command cannot be undone, so it takes a whole id, not a name or the beginning of an id.");

    private static SweepOverview? Find(ImmutableArray<SweepOverview> sweeps, string id) => sweeps.FirstOrDefault(sweep => sweep.Id == id);

    /// <summary>Whether the text ends like an id, with a hyphen and a number.</summary>
    private static bool IsId(string text) =>
        text.LastIndexOf('-') is > 0 and var hyphen && hyphen < text.Length - 1 && text.AsSpan(hyphen + 1).IndexOfAnyExceptInRange('0', '9') < 0;

    private static string None(ImmutableArray<SweepOverview> sweeps, string text) => sweeps.IsEmpty
        ? $"no sweep '{text}': none is stored here. --data names another folder, --cluster the cluster."
        : $"no sweep '{text}'. There are: {Ids(sweeps)}.";

    private static string Ids(IReadOnlyList<SweepOverview> sweeps) =>
        string.Join(", ", sweeps.Take(NamedAtMost).Select(sweep => sweep.Id)) + (sweeps.Count > NamedAtMost ? ", ..." : "");
}

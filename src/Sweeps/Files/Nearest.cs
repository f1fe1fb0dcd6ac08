namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>Finds the name that the user probably meant.</summary>
public static class Nearest
{
    /// <summary>The candidate with the smallest edit distance, ignoring case and hyphens; null if none is similar enough.</summary>
    public static string? To(string name, IEnumerable<string> candidates)
    {
        if (name.Length > 64)
            return null;
        var best = candidates
            .Select(candidate => (Name: candidate, Edits: Distance(Bare(name), Bare(candidate))))
            .OrderBy(candidate => candidate.Edits).FirstOrDefault();
        return best.Name is not null && best.Edits <= Math.Max(1, Math.Min(name.Length, best.Name.Length) / 3) ? best.Name : null;
    }

    private static string Bare(string name) =>
        name.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Counts insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).</summary>
    private static int Distance(string a, string b)
    {
        var edits = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                edits[i, j] = i == 0 || j == 0
                    ? i + j
                    : Math.Min(
                        Math.Min(edits[i - 1, j], edits[i, j - 1]) + 1,
                        edits[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    edits[i, j] = Math.Min(edits[i, j], edits[i - 2, j - 2] + 1);
            }
        }

        return edits[a.Length, b.Length];
    }
}

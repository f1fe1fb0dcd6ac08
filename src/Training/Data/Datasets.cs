using System.Collections.Immutable;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>A data set that a sweep file can name, or the user's own file.</summary>
/// <param name="Rows">The number of rows, including the official test.</param>
/// <param name="Source">Its origin and licence.</param>
public sealed record DatasetInfo(string Name, int Rows, int Features, int Classes, string Source)
{
    /// <summary>How many of the last rows are the official test, which is never split; 0 where the split chooses the test rows.</summary>
    public int TestRows { get; init; }

    /// <summary>The names of the classes in the file; empty where classes have only numbers.</summary>
    public ImmutableArray<string> ClassNames { get; init; } = [];

    /// <summary>How a row's features form an image; null where they form none.</summary>
    public ImageShape? Image { get; init; }
}

/// <summary>The list of data sets; reading it loads neither data nor libtorch.</summary>
public static class Datasets
{
    public static ImmutableArray<DatasetInfo> All { get; } =
    [
        new("digits", 1_797, 64, 10,
            "embedded; 8x8 images of handwritten digits, UCI Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak), CC BY 4.0")
            { Image = new(1, 8, 8) },
        new("fashion-mnist", 70_000, 784, 10, "28x28 images of clothes, Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf), Zalando SE, MIT")
            { Image = new(1, 28, 28), TestRows = 10_000 },
        new("mnist", 70_000, 784, 10, "28x28 images of handwritten digits, MNIST (Y. LeCun, C. Cortes, C. Burges)")
            { Image = new(1, 28, 28), TestRows = 10_000 },
    ];

    /// <summary>Describes where the files of a data set are, or what is missing.</summary>
    public static string WhereIs(DatasetInfo dataset, DatasetSources sources)
    {
        if (!OfficialFiles.Has(dataset.Name))
            return "embedded";
        var found = OfficialFiles.Find(dataset.Name, sources);
        var missing = OfficialFiles.Of(dataset.Name).Where((_, i) => found[i] is null).Select(file => file.Name).ToList();
        var folders = found.OfType<string>().Select(Path.GetDirectoryName).Distinct().ToList();
        return missing.Count == 0 ? string.Join(", ", folders)
            : $"{(folders.Count > 0 ? $"{string.Join(", ", folders)}, without {string.Join(", ", missing)}" : "not on this machine")}: downloaded when first used";
    }
}

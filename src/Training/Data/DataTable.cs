using System.Collections.Immutable;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>A data set as it is read, before libtorch has any part in it.</summary>
/// <param name="Features">[n, D], row by row; empty where they are <paramref name="Unscaled"/>.</param>
/// <param name="Labels">The class of each row.</param>
/// <param name="Unscaled">Not null: [n, D], features that each run standardises by its own training rows.</param>
internal sealed record DataTable(DatasetInfo Info, float[] Features, ImmutableArray<int> Labels, double[]? Unscaled = null)
{
    /// <summary>What a person should know before anything is trained on it.</summary>
    public ImmutableArray<DataFinding> Findings { get; init; } = [];

    /// <summary>Of a csv file, whether the labels stand in the last column, where they are looked for if nobody says where they are.</summary>
    public bool LabelIsLast { get; init; }

    /// <summary>More features than this are no row of a table, nor an image that a small network takes.</summary>
    public const int MostFeatures = 1 << 18;

    /// <summary>The most features of all rows together: 2 GiB as float32.</summary>
    public const long MostNumbers = 1L << 29;

    public const int MostClasses = 10_000;

    /// <exception cref="DataFileException">The data set is larger than can be held.</exception>
    public static void CheckSize(long rows, long features)
    {
        if (features > MostFeatures)
            throw new DataFileException($"{features:N0} features a row; expected at most {MostFeatures:N0}");
        if (rows * features > MostNumbers)
            throw new DataFileException($"{rows:N0} rows of {features:N0} features are {rows * features:N0} numbers; expected at most {MostNumbers:N0}: leave rows or features out");
    }

    /// <exception cref="DataFileException">There is nothing to tell apart, or far too much.</exception>
    public static void CheckClasses(int classes, int rows)
    {
        if (classes < 2)
            throw new DataFileException($"all {rows:N0} rows have the same label; expected at least two classes") { IsLabelColumn = true };
        if (classes > MostClasses)
            throw new DataFileException($"the labels are of {classes:N0} classes; expected at most {MostClasses:N0}: are these labels of classes, or measurements?") { IsLabelColumn = true };
    }
}

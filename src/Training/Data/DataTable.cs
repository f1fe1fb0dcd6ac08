using System.Collections.Immutable;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>A data set in managed memory, not yet in tensors.</summary>
/// <param name="Features">[n, D], row by row; empty where <paramref name="Unscaled"/> has the features.</param>
/// <param name="Labels">The class of each row.</param>
/// <param name="Unscaled">[n, D], features that each run standardises by its own training rows; null where there are none.</param>
internal sealed record DataTable(DatasetInfo Info, float[] Features, ImmutableArray<int> Labels, double[]? Unscaled = null)
{
    /// <summary>Remarks for the user before training.</summary>
    public ImmutableArray<DataFinding> Findings { get; init; } = [];

    /// <summary>For a CSV file, whether the labels are in the last column, the default.</summary>
    public bool LabelIsLast { get; init; }

    /// <summary>The largest number of features in a row. More suit neither a table nor an image for a small network.</summary>
    public const int MostFeatures = 1 << 18;

    /// <summary>The largest number of features of all rows together: 2 GiB as float32.</summary>
    public const long MostNumbers = 1L << 29;

    public const int MostClasses = 10_000;

    /// <exception cref="DataFileException">The data set is too large.</exception>
    public static void CheckSize(long rows, long features)
    {
        if (features > MostFeatures)
            throw new DataFileException($"{features:N0} features a row; expected at most {MostFeatures:N0}");
        if (rows * features > MostNumbers)
            throw new DataFileException($"{rows:N0} rows of {features:N0} features are {rows * features:N0} numbers; expected at most {MostNumbers:N0}: leave rows or features out");
    }

    /// <exception cref="DataFileException">There is only one class, or there are too many.</exception>
    public static void CheckClasses(int classes, int rows)
    {
        if (classes < 2)
            throw new DataFileException($"all {rows:N0} rows have the same label; expected at least two classes") { IsLabelColumn = true };
        if (classes > MostClasses)
            throw new DataFileException($"the labels are of {classes:N0} classes; expected at most {MostClasses:N0}: are these labels of classes, or measurements?") { IsLabelColumn = true };
    }
}

using System.Collections.Immutable;

namespace DeepTrain.Cluster.Training;

/// <summary>A data set that a sweep file can name.</summary>
/// <param name="Source">Where it comes from and under which licence.</param>
public sealed record DatasetInfo(string Name, int Rows, int Features, int Classes, string Source, ImageShape? Image = null);

/// <summary>The list of data sets; reading it loads neither data nor libtorch.</summary>
public static class Datasets
{
    public static ImmutableArray<DatasetInfo> All { get; } =
    [
        new("digits", 1_797, 64, 10,
            "embedded; 8x8 images of handwritten digits, UCI Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak), CC BY 4.0", new(1, 8, 8)),
    ];
}

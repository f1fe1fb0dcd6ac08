using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>A data file is invalid. The message never quotes the content of the file.</summary>
internal sealed class DataFileException(string message) : Exception(message)
{
    public DataFileException(int line, int column, string message) : this(message) => (Line, Column) = (line, column);

    /// <summary>Counted from 1; 0 where the file has no lines, or the problem concerns the whole file.</summary>
    public int Line { get; }

    /// <summary>In characters, counted from 1; 0 where <see cref="Line"/> is 0.</summary>
    public int Column { get; }

    /// <summary>Whether the label column is invalid. Then the sweep file may name the wrong column.</summary>
    public bool IsLabelColumn { get; init; }

    /// <summary>The failure class of a trial whose data cannot be read: invalid content is permanent, other causes may pass.</summary>
    public static string FailureClassOf(Exception trouble) =>
        trouble is DataFileException ? FailureClass.BadData : FailureClass.Infrastructure;
}

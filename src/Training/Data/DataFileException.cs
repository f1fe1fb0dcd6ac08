using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>What is wrong with a data file. Its message never quotes what the file holds.</summary>
internal sealed class DataFileException(string message) : Exception(message)
{
    public DataFileException(int line, int column, string message) : this(message) => (Line, Column) = (line, column);

    /// <summary>Counted from 1; 0 where the file has no lines, or the problem is the file as a whole.</summary>
    public int Line { get; }

    /// <summary>In characters, counted from 1; 0 with <see cref="Line"/>.</summary>
    public int Column { get; }

    /// <summary>Whether the label column is what is wrong: it may be the sweep file that names another one.</summary>
    public bool IsLabelColumn { get; init; }

    /// <summary>What a trial fails of whose data cannot be read: what a file holds stays wrong, a folder or a network may come back.</summary>
    public static string FailureClassOf(Exception trouble) =>
        trouble is DataFileException ? FailureClass.BadData : FailureClass.Infrastructure;
}

namespace DeepTrain.Cluster.Training.Data;

/// <summary>
/// A remark about a data file for the user who submits a sweep. It does not prevent reading the file, so that older sweeps, which were
/// submitted before this check existed, still train.
/// </summary>
/// <param name="Line">Counted from 1; 0 where the finding concerns the whole file.</param>
/// <param name="Column">In characters, counted from 1; 0 where <paramref name="Line"/> is 0.</param>
/// <param name="IsWarning">If false, the sweep is refused.</param>
internal sealed record DataFinding(string Message, int Line, int Column, bool IsWarning)
{
    public static DataFinding Measurements(int classes, int rows, string remedy) => new(
        $"the labels are {classes:N0} different numbers in {rows:N0} rows and look like measurements; each of them becomes a class of its own, "
        + $"since networks are trained to tell classes apart: {remedy}", 0, 0, IsWarning: true);
}

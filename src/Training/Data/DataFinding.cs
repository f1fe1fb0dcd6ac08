namespace DeepTrain.Cluster.Training.Data;

/// <summary>
/// Something about a data file that a person is told when a sweep is submitted. It does not keep the file from being read: what was
/// submitted before anybody looked for it is trained on as before.
/// </summary>
/// <param name="Line">Counted from 1; 0 where the finding is about the file as a whole.</param>
/// <param name="Column">In characters, counted from 1; 0 with <paramref name="Line"/>.</param>
/// <param name="IsWarning">Otherwise the sweep is refused.</param>
internal sealed record DataFinding(string Message, int Line, int Column, bool IsWarning)
{
    public static DataFinding Measurements(int classes, int rows, string remedy) => new(
        $"the labels are {classes:N0} different numbers in {rows:N0} rows and look like measurements; each of them becomes a class of its own, "
        + $"since networks are trained to tell classes apart: {remedy}", 0, 0, IsWarning: true);
}

using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Client;

/// <summary>Reads a sweep file for a verb: what is wrong with it goes to stderr, every problem a line.</summary>
internal static class SweepFiles
{
    /// <exception cref="UserException">The file has errors; they have been written.</exception>
    public static Sweep Read(string path)
    {
        var reading = SweepFile.Read(path);
        foreach (var problem in reading.Problems)
            Console.Error.WriteLine(problem);
        var errors = reading.Problems.Count(problem => !problem.IsWarning);
        return reading.Sweep ?? throw new UserException(
            ExitCode.BadInput, errors == 1 ? $"{path} has an error." : $"{path} has {errors} errors.");
    }
}

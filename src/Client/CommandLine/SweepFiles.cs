using DeepTrain.Cluster.Silo;
using DeepTrain.Cluster.Sweeps;
using DeepTrain.Cluster.Training;

namespace DeepTrain.Cluster.Client;

/// <summary>A sweep file that has been read with its data, and found valid.</summary>
/// <param name="DataFile">Its data file and the SHA-256 of what that holds; null where there is none.</param>
internal sealed record SweepInput(Sweep Sweep, (string Path, string Content)? DataFile)
{
    /// <summary>Keeps a copy of the data file where the folder's trainers find it. To be done before the sweep is submitted.</summary>
    public void KeepData(DataFolder folder)
    {
        if (DataFile is var (path, content))
            KeptFiles.Keep(path, content, folder.Datasets, TimeProvider.System);
    }
}

/// <summary>Reads a sweep file and its data for a verb: what the data are and what is wrong goes to stderr, every problem a line.</summary>
internal static class SweepFiles
{
    /// <exception cref="UserException">There are errors; they have been written.</exception>
    public static SweepInput Read(string path, DatasetSources sources, CancellationToken cancellation)
    {
        var read = SweepData.Check(SweepFile.Read(path), sources, Console.Error.WriteLine, cancellation);
        var (sweep, problems, dataFile) = read;
        foreach (var problem in problems)
            Console.Error.WriteLine(problem);
        if (read.Data is { } data)
            Console.Error.WriteLine($"dataset {data}");
        var errors = problems.Count(problem => !problem.IsWarning);
        return sweep is not null ? new(sweep, dataFile) : throw new UserException(
            ExitCode.BadInput, errors == 1 ? $"{path} has an error." : $"{path} has {errors} errors.");
    }
}

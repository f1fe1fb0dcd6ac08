using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Training.Checking;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Client.CommandLine;

/// <summary>A valid sweep file, read with its data.</summary>
/// <param name="DataFile">The path and the SHA-256 of its data file; null where there is none.</param>
internal sealed record SweepInput(Sweep Sweep, (string Path, string Content)? DataFile)
{
    /// <summary>Copies the data file to where the trainers of the folder find it. Must be called before the sweep is submitted.</summary>
    /// <exception cref="UserException">The copy cannot be written to the folder.</exception>
    public void KeepData(DataFolder folder)
    {
        if (DataFile is not var (path, content))
            return;
        try
        {
            KeptFiles.Keep(path, content, folder.Datasets, TimeProvider.System);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new UserException(ExitCode.NotFound,
                $"{folder.Datasets}: the copy of {path} that trainers read cannot be kept there ({error.Message}) "
                + "Give this account the right to write there, or name another folder with --data.");
        }
    }
}

/// <summary>Reads a sweep file and its data for a verb. Describes the data on stderr, and prints each problem on a line there.</summary>
internal static class SweepFiles
{
    /// <exception cref="UserException">There are errors, which have been printed.</exception>
    public static async Task<SweepInput> ReadAsync(string path, DatasetSources sources, CancellationToken cancellation)
    {
        // Reading standard input or a pipe may block forever and cannot be cancelled.
        var reading = await Task.Run(() => SweepFile.Read(path), cancellation).WaitAsync(cancellation);
        var read = SweepData.Check(reading, sources, Console.Error.WriteLine, cancellation);
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

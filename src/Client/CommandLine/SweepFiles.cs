using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Training.Checking;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Client.CommandLine;

/// <summary>A sweep file that has been read with its data, and found valid.</summary>
/// <param name="DataFile">Its data file and the SHA-256 of what that holds; null where there is none.</param>
internal sealed record SweepInput(Sweep Sweep, (string Path, string Content)? DataFile)
{
    /// <summary>Keeps a copy of the data file where the folder's trainers find it. To be done before the sweep is submitted.</summary>
    /// <exception cref="UserException">The folder takes no copy.</exception>
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

/// <summary>Reads a sweep file and its data for a verb: what the data are and what is wrong goes to stderr, every problem a line.</summary>
internal static class SweepFiles
{
    /// <exception cref="UserException">There are errors; they have been written.</exception>
    public static async Task<SweepInput> ReadAsync(string path, DatasetSources sources, CancellationToken cancellation)
    {
        // Standard input or a pipe may be silent for ever, and reading it takes no token.
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

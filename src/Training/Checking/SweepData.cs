using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Networks;

namespace DeepTrain.Cluster.Training.Checking;

/// <summary>A sweep whose data have been read and are sufficient, or all problems found.</summary>
/// <param name="Sweep">Null exactly when a problem is an error. Its cells include the content of the data file.</param>
/// <param name="Problems">The problems of the sweep file, then those of its data.</param>
/// <param name="DataFile">The path and the SHA-256 of the data file; null where the data set is not a file.</param>
public sealed record CheckedSweep(Sweep? Sweep, ImmutableArray<SpecProblem> Problems, (string Path, string Content)? DataFile)
{
    /// <summary>A description of the data set; null where it could not be read, or the trainer has its own data.</summary>
    public string? Data { get; init; }
}

/// <summary>Reads the data that a sweep file names, so that problems are reported before anything is stored or trained.</summary>
public static class SweepData
{
    /// <param name="tell">Receives progress messages of downloads.</param>
    public static CheckedSweep Check(SweepReading reading, DatasetSources sources, Action<string> tell, CancellationToken cancellation)
    {
        if (reading.Sweep is not { } sweep)
            return new(null, reading.Problems, null);
        // Other trainers have their own data.
        if (sweep.Cells[0].Configuration[Parameters.Trainer] != Parameters.Fused)
            return new(sweep, reading.Problems, null);
        var dataset = sweep.Fixed[Parameters.Dataset.Name].AsText();
        var labelColumn = sweep.Cells[0].Configuration[Parameters.LabelColumn];
        // The path is relative to the sweep file, so that both files can be moved together.
        var path = sweep.DataFile is { } file ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(reading.File))!, file) : null;
        DataTable table;
        string? content = null;
        try
        {
            if (path is not null)
                (table, content) = KeptFiles.Read(path, dataset, labelColumn);
            else if (dataset == "digits")
                table = Dataset.ReadDigits();
            else
                table = OfficialFiles.Read(Datasets.All.First(info => info.Name == dataset), sources, tell, cancellation);
        }
        catch (DataFileException broken) when (broken is { IsLabelColumn: true, Line: <= 1 })
        {
            return Refused(labelColumn is null ? DataFile : Parameters.LabelColumn.Name, $"{path}: {broken.Message}");
        }
        catch (DataFileException broken) when (broken.Line > 0)
        {
            return new(null, reading.Problems.Add(new(path!, broken.Line, broken.Column, "", broken.Message, false)), null);
        }
        catch (DataFileException broken)
        {
            return Refused(DataFile, $"{path}: {broken.Message}");
        }
        catch (Exception broken) when (path is not null && broken is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return Refused(DataFile, Directory.Exists(path) ? $"{path} is a directory; expected a {dataset} file"
                : broken is FileNotFoundException or DirectoryNotFoundException
                    ? $"there is no file {path}; dataFile is relative to the folder of the sweep file"
                    : $"{path} cannot be read: {broken.Message}");
        }
        catch (TrainerException broken)
        {
            return Refused(Parameters.Dataset.Name, broken.Message);
        }

        var problems = reading.Problems
            .AddRange(table.Findings.Select(Told))
            .AddRange(Shortages(reading, sweep, table))
            .AddRange(ImpossibleNetworks(reading, sweep, table.Info))
            .AddRange(Doubts(reading, sweep, table));
        if (!HasErrors() && table.Unscaled is not null && StandardisedRange.FindOverflow(table, sweep, cancellation) is { } overflow)
        {
            var (line, column) = KeptFiles.PlaceOf(path!, labelColumn, overflow.Row, overflow.Feature);
            problems = problems.Add(Told(new(
                $"this number is too far from the others of its column: standardised by the training rows of replicate {overflow.Replicate}, it is "
                + "beyond the range of float32, which ends at 3.4e38; correct it, or leave the row out", line, column, IsWarning: false)));
        }
        return (HasErrors() ? new(null, problems, null)
            : content is null ? new(sweep, problems, null)
            : new CheckedSweep(SweepFile.WithContent(sweep, content, table.LabelIsLast), problems, (path!, content))) with { Data = Describe(table) };

        bool HasErrors() => problems.Any(problem => !problem.IsWarning);

        SpecProblem Told(DataFinding finding) => finding.Line > 0
            ? new(path!, finding.Line, finding.Column, "", finding.Message, finding.IsWarning)
            : reading.ProblemWith(labelColumn is null ? DataFile : Parameters.LabelColumn.Name, finding.Message, finding.IsWarning);

        CheckedSweep Refused(string key, string message) => new(null, reading.Problems.Add(reading.ProblemWith(key, message)), null);
    }

    private const string DataFile = "dataFile";

    /// <summary>The largest number of channels of an image file: red, green, blue and opacity.</summary>
    private const int MostColours = 4;

    /// <summary>The fewest steps of a useful one-cycle: three with a rising rate and seven with a falling one.</summary>
    private const int FewestOfACycle = 10;

    /// <summary>Describes the size of the data to the user who named them.</summary>
    private static string Describe(DataTable table)
    {
        var (info, smallest) = (table.Info, table.Labels.GroupBy(label => label).Min(rows => rows.Count()));
        var image = info.Image is { } shape
            ? $"; each row is an image of {shape.Channels} {(shape.Channels == 1 ? "channel" : "channels")}, {shape.Height} pixels high and {shape.Width} wide"
            : "";
        return $"{info.Name}: {info.Rows:N0} rows x {info.Features:N0} features x {info.Classes:N0} classes; "
            + $"the smallest class has {smallest:N0} {(smallest == 1 ? "row" : "rows")}{image}";
    }

    /// <summary>Warnings about settings that are valid but make no sense with these data.</summary>
    private static IEnumerable<SpecProblem> Doubts(SweepReading reading, Sweep sweep, DataTable table)
    {
        var configurations = sweep.Cells.Select(cell => cell.Configuration).ToList();
        if (table.Info is { Name: "npz", Image: { Channels: > MostColours, Width: <= MostColours } image }
            && configurations.Exists(configuration => configuration[Parameters.Architecture] == "convolution"))
            yield return reading.ProblemWith(DataFile,
                $"x is read as [rows, channels, height, width], so each row is an image of {image.Channels} channels, {image.Height} pixels high and {image.Width} wide; "
                + "if x is [rows, height, width, channels], write it as x.transpose(0, 3, 1, 2)", isWarning: true);

        var counts = Shortage.CountsOf(table.Labels, table.Info);
        var hasty = configurations
            .Where(configuration => configuration[Parameters.Schedule] == "one-cycle")
            .GroupBy(configuration => (configuration[Parameters.BatchSize], configuration[Parameters.TrainFraction], configuration[Parameters.Epochs]))
            .Select(alike => (Steps: StepsOf(alike.First()), Cells: alike.Count()))
            .Where(alike => alike.Steps is > 0 and < FewestOfACycle).ToList();
        if (hasty.Count > 0)
            yield return reading.ProblemWith(Parameters.Schedule.Name,
                $"one-cycle raises the learning rate and lowers it again over all steps, and {hasty.Sum(alike => alike.Cells):N0} of {configurations.Count:N0} cells "
                + $"have only {hasty.Min(alike => alike.Steps)} in all (epochs x mini-batches); expected at least {FewestOfACycle}: make epochs larger or batchSize smaller",
                isWarning: true);

        long StepsOf(Configuration configuration) =>
            counts.Sum(rows => Share.Of(rows, configuration, table.Info.TestRows > 0).Train) / configuration[Parameters.BatchSize]
            * (long)configuration[Parameters.Epochs];
    }

    /// <summary>The distinct parts that the splits of the cells have too few rows for.</summary>
    private static IEnumerable<SpecProblem> Shortages(SweepReading reading, Sweep sweep, DataTable table)
    {
        var counts = Shortage.CountsOf(table.Labels, table.Info);
        return sweep.Cells.Select(cell => cell.Configuration)
            .DistinctBy(configuration => (configuration[Parameters.BatchSize], configuration[Parameters.TrainFraction]))
            .SelectMany(configuration => Shortage.Of(counts, table.Info, configuration))
            .Distinct()
            .Select(shortage => reading.ProblemWith(shortage.Key.Name, shortage.Message, shortage.IsWarning));
    }

    /// <summary>The networks for which the rows are too small, each reason once.</summary>
    private static IEnumerable<SpecProblem> ImpossibleNetworks(SweepReading reading, Sweep sweep, DatasetInfo data)
    {
        return sweep.Cells.Select(cell => cell.Configuration)
            .DistinctBy(configuration => (
                Value(configuration, Parameters.Architecture), Value(configuration, Parameters.Channels),
                Value(configuration, Parameters.Hidden), Value(configuration, Parameters.BatchSize)))
            .Select(Reason).OfType<string>().Distinct()
            // Each reason begins with the responsible setting.
            .Select(reason => reason.Split(": ", 2))
            .Select(parts => reading.ProblemWith(parts[0], parts[1].TrimEnd('.')));

        static ParameterValue? Value(Configuration configuration, Parameter parameter) => configuration.Values.GetValueOrDefault(parameter.Name);

        string? Reason(Configuration configuration)
        {
            try
            {
                NetworkShape.Of(configuration, data.Features, data.Classes, data.Image);
                return null;
            }
            catch (TrainerException impossible)
            {
                return impossible.Message;
            }
        }
    }
}

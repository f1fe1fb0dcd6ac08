using System.CommandLine;
using System.Globalization;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Silo.Commands;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Checkpoints;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>export TRIAL</c>: writes a trial's final weights to a file for Python.</summary>
internal static class ExportVerb
{
    private const string StandardOutput = "-";

    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var trial = new Argument<string>("trial")
        {
            Description = "A trial as 'results' prints it, SWEEP/CELL/rR, or its unique beginning; a sweep alone: its best cell's trial.",
            HelpName = "TRIAL",
        };
        var output = new Option<string?>("--output")
        {
            Description = $"The file to write, or {StandardOutput} for standard output; by default CELL-rR.safetensors in the current folder.",
            HelpName = "FILE",
        };
        var command = new Command("export", "Write a trial's final weights for Python; those that were not kept are trained again.") { trial, output };
        command.SetAction((parsed, cancellation) => ExportAsync(
            parsed.GetValue(trial)!, parsed.GetValue(output), SweepLocations.Of(parsed), CommonOptions.Sources(parsed),
            parsed.GetValue(CommonOptions.Format), cancellation));
        return command;
    }

    private static async Task<int> ExportAsync(
        string text, string? output, SweepLocation location, DatasetSources sources, OutputFormat format, CancellationToken cancellation)
    {
        var (reader, folder) = (location.Reader, location.Folder);
        var named = TrialSelector.Split(text);
        var selected = SweepSelector.Select(await reader.ListAsync(cancellation), named.Sweep);
        var (_, sweep, results) = await StoredSweep.ReadAsync(reader, selected.Id, cancellation);
        var id = named.Trial is { } trial
            ? TrialSelector.Select(selected.Id, sweep, trial)
            : SweepSummary.Of(sweep, results).Best?.Trial
                ?? throw new UserException(ExitCode.NotFound, $"{selected.Id} has no best cell yet: name one of its trials, as 'results' prints them.");
        if (results.FirstOrDefault(result => result.Trial == id) is not { Outcome: Outcome.Completed } result)
            throw new UserException(ExitCode.NotFound, $"{id} has not completed: only what was trained to its end has a model.");

        var configuration = sweep.Cells.First(cell => cell.Id == id.Cell).Configuration;
        if (configuration[Parameters.Trainer] is not Parameters.Fused and var trainer)
            throw new UserException(ExitCode.NotFound, $"{id} has no model here: its trainer was {trainer}, which keeps none.");
        var toStandardOutput = output == StandardOutput;
        var path = toStandardOutput ? Path.GetTempFileName() : Path.GetFullPath(output ?? Model.FileName(id));
        var export = new ModelExport(folder, reader, new FusedTrainer(TimeProvider.System, sources with { Kept = folder.Datasets }));
        try
        {
            var model = await export.WriteAsync(result, configuration, path, Progress(id, result.Epochs), cancellation);
            Judge(id, model.Difference);
            if (toStandardOutput)
                await PrintAsync(path, cancellation);
            else
                Output.WriteLine(format, path, ("trial", $"{id}"), ("path", path), ("retrained", model.IsRetrained));
            return ExitCode.Done;
        }
        catch (UnauthorizedAccessException error)
        {
            throw new UserException(ExitCode.BadInput, $"{path}: it cannot be written ({error.Message}). Name another file with --output.");
        }
        finally
        {
            if (toStandardOutput)
                File.Delete(path);
        }
    }

    private static async Task PrintAsync(string path, CancellationToken cancellation)
    {
        await using var model = File.OpenRead(path);
        await using var output = Console.OpenStandardOutput();
        await model.CopyToAsync(output, cancellation);
    }

    private static void Judge(TrialId id, Difference? difference)
    {
        if (difference is null)
            return;
        var told = string.Create(CultureInfo.InvariantCulture,
            $"{difference.What} of epoch {difference.Epoch} was {difference.Stored:R} and is {difference.Trained:R} now");
        if (!difference.IsTolerable)
            throw new UserException(ExitCode.DoneWithFailures,
                $"{id} trained again is not what is stored: {told}. Nothing was written. Have the data or the program changed?");
        Console.Error.WriteLine($"warning: trained again by another build or on another machine, {id} differs a little: {told}");
    }

    private static Action<int> Progress(TrialId id, int epochs)
    {
        long? told = null;
        return epoch =>
        {
            if (told is { } last && TimeProvider.System.GetElapsedTime(last) < LineInterval && epoch < epochs)
                return;
            told = TimeProvider.System.GetTimestamp();
            Console.Error.WriteLine($"training {id} again: epoch {epoch} of {epochs}");
        };
    }
}

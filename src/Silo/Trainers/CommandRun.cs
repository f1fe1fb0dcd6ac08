using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>One trial, trained by one process group.</summary>
/// <remarks>
/// The command's checkpoint folder is temporary, belongs to this run, and is packed into the checkpoints of the store. So a command
/// whose worker was declared dead never writes to its successor's folder, and a trial resumes only from what the store names.
/// </remarks>
internal sealed class CommandRun : ITrainingRun
{
    /// <summary>EX_TEMPFAIL of sysexits(3).</summary>
    private const int TemporaryFailure = 75;

    private readonly CohortTrial _trial;
    private readonly Metric? _objective;
    private readonly TimeProvider _time;
    private readonly int _epochs;
    private readonly DirectoryInfo _folder;
    private readonly CommandGroup _group;

    /// <summary>Lines of epochs that are not yet reported.</summary>
    private readonly Queue<byte[]> _ahead = [];

    /// <summary>The last epoch whose line may be repeated, because the command resumes before it.</summary>
    private readonly int _known;
    private long _reported;
    private bool _isInTraining = true;

    public CommandRun(Cohort cohort, ImmutableArray<string> command, TimeProvider time)
    {
        _trial = cohort.Trials is [var only] ? only : throw new ArgumentException("Expected one trial for a command.", nameof(cohort));
        _objective = cohort.Objective;
        _time = time;
        _epochs = _trial.Configuration[Parameters.Epochs];
        _folder = NewFolder();
        try
        {
            if (cohort.Checkpoint is { } path)
            {
                var checkpoint = CommandCheckpoint.Restore(path, _trial.Id, _folder.FullName);
                Epoch = _known = checkpoint.Epoch;
                foreach (var line in checkpoint.Lines)
                {
                    _ahead.Enqueue(Encoding.UTF8.GetBytes(line));
                    _known = Math.Max(_known, Parse(_ahead.Last()).Epoch);
                }
            }
            _group = new(command, Input(), _folder.FullName);
        }
        catch
        {
            DeleteFolder();
            throw;
        }
        _reported = time.GetTimestamp();
    }

    public IReadOnlyCollection<TrialId> InTraining => _isInTraining ? [_trial.Id] : [];

    public int Epoch { get; private set; }

    /// <summary>A command writes its own state at any time, and replaces its files atomically.</summary>
    public bool SavesWithinEpochs => true;

    public IReadOnlyList<EpochReport> ReportStart() => [];

    public IReadOnlyList<EpochReport> TrainEpoch(CancellationToken stop = default)
    {
        if (!_isInTraining)
            throw new InvalidOperationException("No trial is in training: it has ended or left.");
        var line = NextEpoch(stop);
        var ending = line.IsDiverged ? new Ending(Outcome.Diverged)
            : line.Epoch == _epochs ? new(Outcome.Completed, line.TestLoss, line.TestAccuracy)
            : null;
        if (ending is { Outcome: Outcome.Completed })
        {
            AwaitEnd(stop);
            if (_objective is { } metric && line.Of(metric) is (var name, null))
                throw Wrong($"the line of the last epoch has no {name}, by which the sweep compares its cells");
        }
        // Until here the line counts as one that a checkpoint contains beyond its epoch.
        _ahead.Dequeue();
        Epoch++;
        if (ending is not null)
            Leave([_trial.Id]);
        var seconds = _time.GetElapsedTime(_reported).TotalSeconds;
        _reported = _time.GetTimestamp();
        return
        [
            new(_trial.Id, Epoch, line.TrainLoss ?? double.NaN, line.ValidationLoss ?? double.NaN, line.ValidationAccuracy ?? double.NaN,
                0, seconds, ending),
        ];
    }

    public void Leave(IReadOnlyCollection<TrialId> trials)
    {
        if (!trials.Contains(_trial.Id) || !_isInTraining)
            return;
        _isInTraining = false;
        _group.Dispose();
    }

    public void Save(string path)
    {
        try
        {
            _group.Pause();
            foreach (var line in _group.ReadPrinted())
                _ahead.Enqueue(line);
            CommandCheckpoint.Save(path, _trial.Id, Epoch, _ahead, _folder.FullName);
        }
        finally
        {
            _group.Continue();
        }
    }

    public void Dispose()
    {
        Leave([_trial.Id]);
        DeleteFolder();
    }

    /// <summary>The line of the next epoch; after a resumption, lines of earlier epochs are skipped.</summary>
    private EpochLine NextEpoch(CancellationToken stop)
    {
        while (true)
        {
            if (_ahead.Count == 0)
                _ahead.Enqueue(ReadLine(stop) ?? throw Ended());
            var line = Parse(_ahead.Peek());
            if (line.Epoch == Epoch + 1 && line.Epoch <= _epochs)
                return line;
            _ahead.Dequeue();
            if (line.Epoch > Epoch + 1)
                throw Wrong($"it printed epoch {line.Epoch} where {Epoch + 1} was next; a program that resumes from a checkpoint prints the line of the last epoch in it again first");
            if (line.Epoch > _known || line.Epoch < 1)
                throw Wrong($"it printed epoch {line.Epoch} again; epochs are counted from 1, and each is printed once");
        }
    }

    private byte[]? ReadLine(CancellationToken stop)
    {
        try
        {
            return _group.ReadLine(stop);
        }
        catch (InvalidDataException tooLong)
        {
            throw Wrong($"{tooLong.Message}; print one JSON object an epoch");
        }
    }

    /// <summary>Waits for the command's successful end, without which the trial has no result.</summary>
    private void AwaitEnd(CancellationToken stop)
    {
        foreach (var line in _ahead.Skip(1))
            Check(line);
        while (ReadLine(stop) is { } line)
            Check(line);
        if (_group.ExitCode != 0)
            throw Ended();

        void Check(byte[] line)
        {
            if (Parse(line).Epoch is var late && late > _known)
                throw Wrong($"it printed epoch {late} after the last, {_epochs}");
        }
    }

    private TrainerException Ended() => _group.ExitCode switch
    {
        0 => Wrong($"it ended with exit code 0 after epoch {Epoch} of {_epochs}; expected a line for each epoch"),
        TemporaryFailure => new(FailureClass.Infrastructure, $"The command ended with exit code {TemporaryFailure}, by which a program says that what it lacks may be there later.") { Log = Tail() },
        127 => Wrong("it was not found (exit code 127); its path is relative to the folder in which deeptrain, or the worker, was started"),
        126 => Wrong("it cannot be executed (exit code 126); is it a program, and are you allowed to run it?"),
        137 => Wrong("it was killed by signal 9; did the machine run out of memory?"),
        > 128 and var code => Wrong($"it was killed by signal {code - 128}"),
        var code => Wrong($"it ended with exit code {code}"),
    };

    private EpochLine Parse(byte[] line)
    {
        try
        {
            return EpochLine.Parse(line);
        }
        catch (FormatException wrong)
        {
            throw Wrong(wrong.Message);
        }
    }

    private TrainerException Wrong(string what) => new(FailureClass.CodeError, $"The command failed: {what}.") { Log = Tail() };

    private string? Tail() => _group is { Log: { Length: > 0 } log } ? log : null;

    /// <summary>The line of input for the command.</summary>
    private string Input()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("trial", $"{_trial.Id}");
            json.WriteStartObject("configuration");
            foreach (var (name, value) in _trial.Configuration.Values)
            {
                json.WritePropertyName(name);
                json.WriteRawValue(value.Json);
            }
            json.WriteEndObject();
            json.WriteNumber("replicate", _trial.Id.Replicate);
            json.WriteString("checkpointFolder", _folder.FullName);
            json.WriteNumber("epochs", _epochs);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static DirectoryInfo NewFolder()
    {
        try
        {
            return new(WithoutLinks(Directory.CreateTempSubdirectory("deeptrain-trial-").FullName));
        }
        catch (IOException error)
        {
            throw new TrainerException(FailureClass.Infrastructure, $"No temporary folder can be made for a command's checkpoints: {error.Message}", error);
        }
    }

    /// <summary>The path as a command sees it that asks the system for its current folder, so that both use the same name.</summary>
    private static string WithoutLinks(string path)
    {
        if (Path.GetDirectoryName(path) is not { } parent)
            return path;
        path = Path.Combine(WithoutLinks(parent), Path.GetFileName(path));
        return Directory.ResolveLinkTarget(path, returnFinalTarget: true) is { } target ? WithoutLinks(target.FullName) : path;
    }

    private void DeleteFolder()
    {
        try
        {
            _folder.Delete(recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The folder is in the system's temporary one: files that cannot be deleted, or are deleted already, affect no trial.
        }
    }
}

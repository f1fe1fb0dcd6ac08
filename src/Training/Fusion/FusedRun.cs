using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Checkpoints;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Networks;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Fusion;

/// <summary>A cohort in training.</summary>
internal sealed class FusedRun : ITrainingRun
{
    private readonly ComputeDevice _device;
    private readonly TimeProvider _time;
    private readonly Dataset _data;
    private readonly ImmutableDictionary<int, Replicate> _replicates;
    private readonly int _epochs;
    private readonly ModelFolder? _models;
    private ImmutableArray<CohortTrial> _trials;
    private Stage? _stage;

    public FusedRun(Cohort cohort, DatasetSources sources, ComputeDevice device, TimeProvider time)
    {
        var first = cohort.Trials[0].Configuration;
        if (cohort.Trials.FirstOrDefault(trial => trial.Configuration.FusionKey != first.FusionKey) is { } other)
            throw new ArgumentException($"{other.Id} cannot train beside {cohort.Trials[0].Id}: expected one fusion key.", nameof(cohort));
        (_device, _time) = (device, time);
        (_data, _replicates) = Replicate.Prepare(first, cohort.Trials.Select(trial => trial.Id.Replicate), sources, device.Torch);
        _epochs = first[Parameters.Epochs];
        _models = cohort.Models;
        _trials = [.. TrialOrder.Sort(cohort.Trials, trial => trial.Configuration)];
        using var inference = inference_mode();
        try
        {
            _stage = NewStage(_trials);
            if (cohort.Checkpoint is { } checkpoint)
                Epoch = Checkpoint.Restore(checkpoint, [.. InTraining], _stage.State, _device);
            else
                StartWeights.Fill(_stage, _trials, NewStage);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyCollection<TrialId> InTraining => [.. _trials.Select(trial => trial.Id)];

    public int Epoch { get; private set; }

    public IReadOnlyList<EpochReport> ReportStart()
    {
        var stage = StageOfSomebody();
        using var inference = inference_mode();
        var started = _time.GetTimestamp();
        var (loss, accuracy) = stage.Validate();
        var health = stage.Look(new bool[_trials.Length]);
        var seconds = _time.GetElapsedTime(started).TotalSeconds / _trials.Length;
        return [.. _trials.Select((trial, i) =>
            new EpochReport(trial.Id, 0, double.NaN, loss[i], accuracy[i], 0, seconds, null) { Health = health[i] })];
    }

    public IReadOnlyList<EpochReport> TrainEpoch(CancellationToken stop = default)
    {
        var stage = StageOfSomebody();
        using var inference = inference_mode();
        var started = _time.GetTimestamp();
        Epoch++;
        var trainLoss = stage.Train(Epoch, stop);
        var (validationLoss, validationAccuracy) = stage.Validate();
        var last = Epoch == _epochs;
        var (testLoss, testAccuracy) = last ? stage.Test() : ([], []);
        var finite = stage.Finite();
        bool[] diverged = [.. finite.Select((isFinite, i) => !isFinite || !double.IsFinite(trainLoss[i]) || !double.IsFinite(validationLoss[i]))];
        var health = stage.Look(diverged);
        var seconds = _time.GetElapsedTime(started).TotalSeconds / _trials.Length;

        var reports = _trials.Select((trial, i) => new EpochReport(
            trial.Id, Epoch, trainLoss[i], validationLoss[i], validationAccuracy[i], stage.Steps, seconds,
            diverged[i] ? new(Outcome.Diverged)
            : last ? new(Outcome.Completed, testLoss[i], testAccuracy[i])
            : null) { Samples = stage.Samples, Health = health[i] }).ToImmutableArray();
        KeepModels(stage, reports);
        Leave([.. reports.Where(report => report.Ending is not null).Select(report => report.Trial)]);
        return reports;
    }

    public void Leave(IReadOnlyCollection<TrialId> trials)
    {
        var leaving = trials.ToHashSet();
        int[] kept = [.. Enumerable.Range(0, _trials.Length).Where(place => !leaving.Contains(_trials[place].Id))];
        if (kept.Length == _trials.Length)
            return;
        var left = _stage;
        _trials = [.. kept.Select(place => _trials[place])];
        using var inference = inference_mode();
        _stage = kept.Length == 0 ? null : NewStage(_trials);
        _stage?.Take(left!, kept);
        left?.Dispose();
    }

    public void Save(string path)
    {
        var stage = StageOfSomebody();
        using var inference = inference_mode();
        Checkpoint.Save(path, Epoch, [.. InTraining], stage.State, _device);
    }

    public void Dispose()
    {
        _stage?.Dispose();
        _stage = null;
        _trials = [];
        _data.Dispose();
    }

    private void KeepModels(Stage stage, ImmutableArray<EpochReport> reports)
    {
        for (var place = 0; place < reports.Length && _models is not null; place++)
        {
            var scaling = _data.ScalingFrom(_replicates[_trials[place].Id.Replicate].FirstRow);
            if (reports[place].Ending is { Outcome: Outcome.Completed })
                _models.Keep(_trials[place].Id, folder => Model.Save(
                    folder, _trials[place], reports[place], stage.Network, place, _data.Info.ClassNames, scaling, _device));
        }
    }

    private Stage StageOfSomebody() =>
        _stage ?? throw new InvalidOperationException("No trial is in training: each has ended or left.");

    private Stage NewStage(ImmutableArray<CohortTrial> trials) => new(
        _data, [.. trials.Select(trial => trial.Configuration)], [.. trials.Select(trial => _replicates[trial.Id.Replicate])]);
}

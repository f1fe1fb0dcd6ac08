using System.Collections.Concurrent;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>A trainer whose epochs are what the test makes of them; their numbers are those of the configuration.</summary>
internal sealed class ScriptedTrainer : ITrainer
{
    /// <summary>Called on the slot's thread before each epoch, with the trials in training: may throw, may wait.</summary>
    public Action<IReadOnlyCollection<CohortTrial>, int> BeforeEpoch { get; set; } = (_, _) => { };

    /// <summary>The cohorts that were started, by their sizes.</summary>
    public ConcurrentQueue<int> Started { get; } = [];

    /// <summary>The same cohorts, as they were asked for.</summary>
    public ConcurrentQueue<Cohort> Cohorts { get; } = [];

    /// <summary>Called before a run is started: may throw.</summary>
    public Action<Cohort> BeforeStart { get; set; } = _ => { };

    /// <summary>Called before a run is saved: may throw.</summary>
    public Action BeforeSave { get; set; } = () => { };

    /// <summary>What breaks off the epoch in training.</summary>
    public CancellationToken Stop { get; private set; }

    /// <summary>Whether its runs can be saved after an epoch that was broken off.</summary>
    public bool SavesWithinEpochs { get; set; }

    /// <summary>How many runs have been disposed.</summary>
    public int Ended;

    /// <summary>How many train together; null: it cannot be told.</summary>
    public Func<int?> Size { get; set; } = () => 10;

    public int? CohortSize(Configuration configuration) => Size();

    public ITrainingRun Start(Cohort cohort)
    {
        Cohorts.Enqueue(cohort);
        BeforeStart(cohort);
        var epoch = cohort.Checkpoint is null ? 0
            : int.TryParse(File.ReadAllText(cohort.Checkpoint), out var saved) ? saved
            : throw new InvalidDataException($"{cohort.Checkpoint} is damaged.");
        Started.Enqueue(cohort.Trials.Length);
        return new Run(this, cohort, epoch);
    }

    public static double Rate(CohortTrial trial) => trial.Configuration[Parameters.LearningRate];

    private sealed class Run(ScriptedTrainer trainer, Cohort cohort, int epoch) : ITrainingRun
    {
        private readonly List<CohortTrial> _inTraining = [.. cohort.Trials];
        private int _epoch = epoch;

        public IReadOnlyCollection<TrialId> InTraining => [.. _inTraining.Select(trial => trial.Id)];

        public int Epoch => _epoch;

        public bool SavesWithinEpochs => trainer.SavesWithinEpochs;

        public IReadOnlyList<EpochReport> ReportStart() =>
            [.. _inTraining.Select(trial => new EpochReport(trial.Id, 0, double.NaN, 2.3, 0.1, 0, 0, null))];

        public IReadOnlyList<EpochReport> TrainEpoch(CancellationToken stop)
        {
            trainer.Stop = stop;
            trainer.BeforeEpoch(_inTraining, _epoch + 1);
            stop.ThrowIfCancellationRequested();
            _epoch++;
            var reports = _inTraining.Select(trial => new EpochReport(
                trial.Id, _epoch, 1.0 / _epoch, 2.0 / _epoch, Rate(trial), 40, 0.1,
                _epoch == trial.Configuration[Parameters.Epochs] ? new(Outcome.Completed, 0.5, 0.9) : null)).ToList();
            _inTraining.RemoveAll(trial => _epoch == trial.Configuration[Parameters.Epochs]);
            return reports;
        }

        public void Leave(IReadOnlyCollection<TrialId> trials) => _inTraining.RemoveAll(trial => trials.Contains(trial.Id));

        public void Save(string path)
        {
            trainer.BeforeSave();
            File.WriteAllText(path, $"{_epoch}");
        }

        public void Dispose() => Interlocked.Increment(ref trainer.Ended);
    }
}

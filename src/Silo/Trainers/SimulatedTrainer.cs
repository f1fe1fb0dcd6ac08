using System.Collections.Immutable;
using System.Text.Json;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>Trains nothing, for a fixed time and with a fixed result: for sizing a cluster without its devices.</summary>
internal sealed class SimulatedTrainer(TimeProvider time) : ITrainer
{
    public int? CohortSize(Configuration configuration) => configuration[Parameters.SimulatedCohort];

    public ITrainingRun Start(Cohort cohort) => new Run(cohort, time);

    /// <summary>All that a simulated cohort needs to resume.</summary>
    private sealed record Saved(string Format, int Epoch, ImmutableArray<string> Trials)
    {
        public const string KnownFormat = "deeptrain-simulated-1";

        public static Saved Read(string path)
        {
            using var stream = File.OpenRead(path);
            if (HashedFile.ContentLength(stream) is not { } length)
                throw new InvalidDataException($"{path}: this checkpoint cannot be resumed: the file is cut off, or its contents have changed since it was written.");
            var json = new byte[length];
            stream.ReadExactly(json);
            try
            {
                if (JsonSerializer.Deserialize<Saved>(json) is { Format: KnownFormat, Trials.IsDefault: false } saved)
                    return saved;
            }
            catch (JsonException broken)
            {
                throw new InvalidDataException($"{path}: this is no checkpoint of simulated trials: {broken.Message}", broken);
            }
            throw new InvalidDataException($"{path}: this is no checkpoint of simulated trials.");
        }
    }

    private sealed class Run : ITrainingRun
    {
        private readonly TimeProvider _time;
        private readonly int _epochs;
        private readonly TimeSpan _epochTime;
        private readonly double _accuracy;
        private ImmutableArray<TrialId> _inTraining;

        public Run(Cohort cohort, TimeProvider time)
        {
            _time = time;
            _inTraining = [.. cohort.Trials.Select(trial => trial.Id)];
            var configuration = cohort.Trials[0].Configuration;
            _epochs = configuration[Parameters.Epochs];
            _epochTime = TimeSpan.FromSeconds(configuration[Parameters.SimulatedSeconds] / _epochs);
            _accuracy = configuration[Parameters.SimulatedAccuracy];
            if (cohort.Checkpoint is not { } path)
                return;
            var saved = Saved.Read(path);
            if (_inTraining.FirstOrDefault(trial => !saved.Trials.Contains($"{trial}")) is { Sweep: not null } missing)
                throw new InvalidDataException($"{path}: {missing} is not in this checkpoint.");
            Epoch = saved.Epoch;
        }

        public IReadOnlyCollection<TrialId> InTraining => _inTraining;

        public int Epoch { get; private set; }

        public IReadOnlyList<EpochReport> ReportStart() => [];

        public IReadOnlyList<EpochReport> TrainEpoch(CancellationToken stop = default)
        {
            stop.ThrowIfCancellationRequested();
            var started = _time.GetTimestamp();
            if (_epochTime > TimeSpan.Zero)
                Task.Delay(_epochTime, _time, stop).GetAwaiter().GetResult();
            Epoch++;
            var loss = 1 - _accuracy;
            var ending = Epoch < _epochs ? null : new Ending(Outcome.Completed, loss, _accuracy);
            var seconds = _time.GetElapsedTime(started).TotalSeconds / _inTraining.Length;
            var reports = Array.ConvertAll(_inTraining.ToArray(), trial => new EpochReport(trial, Epoch, loss, loss, _accuracy, 0, seconds, ending));
            if (ending is not null)
                _inTraining = [];
            return reports;
        }

        public void Leave(IReadOnlyCollection<TrialId> trials) => _inTraining = _inTraining.RemoveRange(trials);

        public void Save(string path) => HashedFile.Write(path, stream =>
        {
            JsonSerializer.Serialize(stream, new Saved(Saved.KnownFormat, Epoch, [.. _inTraining.Select(trial => $"{trial}")]));
            stream.WriteByte((byte)'\n');
        });

        public void Dispose()
        {
        }
    }
}

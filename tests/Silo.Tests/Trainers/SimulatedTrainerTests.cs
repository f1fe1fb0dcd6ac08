using DeepTrain.Cluster.Silo.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class SimulatedTrainerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TrainEpoch_SecondsOverEpochs_WaitsThemAndReportsTheAccuracy()
    {
        var time = new LeapingTime();
        var trials = new[] { TrainerTrials.Simulated(12, epochs: 4), TrainerTrials.Simulated(12, epochs: 4, replicate: 2) };
        using var run = new SimulatedTrainer(time).Start(new([.. trials]));

        var reports = Enumerable.Range(0, 4).SelectMany(_ => run.TrainEpoch()).ToList();

        Assert.Equal(TimeSpan.FromSeconds(12), time.Waited);
        Assert.Equal(8, reports.Count);
        Assert.All(reports, report => Assert.Equal((0.75, 1.5), (report.ValidationAccuracy, report.Seconds)));
        Assert.All(reports[..6], report => Assert.Null(report.Ending));
        Assert.All(reports[6..], report => Assert.Equal(new(Outcome.Completed, 0.25, 0.75), report.Ending));
        Assert.Empty(run.InTraining);
    }

    [Fact]
    public void TrainEpoch_NoSeconds_WaitsForNothing()
    {
        var time = new LeapingTime();
        using var run = new SimulatedTrainer(time).Start(new([TrainerTrials.Simulated(0)]));

        Assert.Equal(Outcome.Completed, Assert.Single(run.TrainEpoch()).Ending!.Outcome);
        Assert.Equal(TimeSpan.Zero, time.Waited);
    }

    [Fact]
    public void TrainEpoch_StoppedInTheWait_EndsAtOnce()
    {
        using var stop = new CancellationTokenSource();
        var time = new LeapingTime { InsteadOfLeaping = stop.Cancel };
        using var run = new SimulatedTrainer(time).Start(new([TrainerTrials.Simulated(1e6)]));

        Assert.ThrowsAny<OperationCanceledException>(() => run.TrainEpoch(stop.Token));
    }

    [Fact]
    public void Start_FromASavedRun_GoesOnForThoseWhoStay()
    {
        var trials = Enumerable.Range(1, 3).Select(replicate => TrainerTrials.Simulated(0, epochs: 3, replicate)).ToList();
        var path = Path.Combine(_folder.Root, "saved");
        using (var run = new SimulatedTrainer(TimeProvider.System).Start(new([.. trials])))
        {
            run.TrainEpoch();
            run.Leave([trials[0].Id]);
            run.TrainEpoch();
            run.Save(path);
        }

        using var resumed = new SimulatedTrainer(TimeProvider.System).Start(new([.. trials[1..]], path));
        Assert.Equal(2, resumed.Epoch);
        Assert.Equal([(trials[1].Id, 3), (trials[2].Id, 3)], resumed.TrainEpoch().Select(report => (report.Trial, report.Epoch)));
        Assert.Throws<InvalidDataException>(() => new SimulatedTrainer(TimeProvider.System).Start(new([trials[0]], path)));
        var saved = File.ReadAllText(path);
        Assert.Contains("\"Epoch\":2", saved, StringComparison.Ordinal);
        File.WriteAllText(path, saved.Replace("\"Epoch\":2", "\"Epoch\":3", StringComparison.Ordinal));
        Assert.Throws<InvalidDataException>(() => new SimulatedTrainer(TimeProvider.System).Start(new([trials[1]], path)));
        File.WriteAllText(path, "{}");
        Assert.Throws<InvalidDataException>(() => new SimulatedTrainer(TimeProvider.System).Start(new([trials[1]], path)));
    }

    [Fact]
    public void CohortSize_IsTheFiles() => Assert.Equal(3, new SimulatedTrainer(TimeProvider.System).CohortSize(TrainerTrials.Simulated(1).Configuration));

    /// <summary>Time in which every wait is over as soon as it begins.</summary>
    private sealed class LeapingTime : TimeProvider
    {
        public TimeSpan Waited { get; private set; }

        public Action? InsteadOfLeaping { get; init; }

        public override long GetTimestamp() => Waited.Ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (InsteadOfLeaping is null)
                Waited += dueTime;
            var timer = System.CreateTimer(callback, state, InsteadOfLeaping is null ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            InsteadOfLeaping?.Invoke();
            return timer;
        }
    }
}

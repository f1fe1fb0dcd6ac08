using System.Runtime.CompilerServices;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Fusion;
using DeepTrain.Cluster.Training.Native;
using Microsoft.Extensions.Time.Testing;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class FusedTrainerTests
{
    private const float SmallestNormal = 1.17549435e-38f;

    private static Configuration Diverging => Trials.Configuration(
        (Parameters.LearningRate, 1e6), (Parameters.Momentum, 0.99), (Parameters.Initializer, "normal"), (Parameters.InitializerStd, 100.0),
        (Parameters.Epochs, 3));

    [Theory]
    [InlineData(new[] { 64, 32 }, 32, false)]
    [InlineData(new[] { 100, 100, 100 }, 64, false)]
    [InlineData(new[] { 7, 33 }, 20, false)]
    [InlineData(new[] { 33 }, 7, false)]
    [InlineData(new[] { 64, 32 }, 32, true)]
    [InlineData(new[] { 7, 33 }, 20, true)]
    public void TrainEpoch_InMixedCohort_GivesTheBitsOfSolo(int[] hidden, int batchSize, bool normalisesLast)
    {
        var trials = Trials.Mixed(hidden, batchSize, normalisesLast: normalisesLast);
        if (hidden is not [64, 32] || normalisesLast)
            trials = [.. trials.Where((_, place) => place % 5 == 0)];
        var together = trials.Cohort().Train();
        Assert.All(trials, trial =>
            Assert.Equal(new[] { trial }.Cohort().Train()[trial.Id].Bits(), together[trial.Id].Bits()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TrainEpoch_NeighboursLeaveAndDiverge_GivesTheBitsOfSolo(bool normalisesLast)
    {
        var trials = Trials.Mixed([64, 32], 32, epochs: 3, normalisesLast: normalisesLast);
        // One of them that diverges beside the others, which it can only as their like.
        var diverging = normalisesLast
            ? Configuration.Resolve(new Dictionary<string, ParameterValue>(trials[0].Configuration.Values)
            {
                [Parameters.LearningRate.Name] = ParameterValue.Of(1e6), [Parameters.Optimizer.Name] = ParameterValue.Of("sgd"),
                [Parameters.Activation.Name] = ParameterValue.Of("identity"), [Parameters.Momentum.Name] = ParameterValue.Of(0.99),
            }).Trial()
            : Diverging.Trial();
        using var run = new FusedTrainer(TimeProvider.System).Start(trials.Insert(3, diverging).Cohort());
        var reports = new List<EpochReport>();
        var random = new Random(7);
        while (run.InTraining.Count > 0)
        {
            reports.AddRange(run.TrainEpoch());
            run.Leave([.. run.InTraining.Where(_ => random.Next(4) == 0)]);
        }

        Assert.Equal(Outcome.Diverged, reports.Last(report => report.Trial == diverging.Id).Ending?.Outcome);
        Assert.Contains(reports, report => report.Epoch == 3);
        Assert.All(reports.GroupBy(report => report.Trial).Where((_, place) => place % 4 == 0), own =>
            Assert.Equal(
                trials.Append(diverging).Where(trial => trial.Id == own.Key).Cohort().Train()[own.Key].Bits().Skip(1).Take(own.Count()),
                own.Bits()));
    }

    [Theory]
    [InlineData(new[] { 64, 32 }, 32)]
    [InlineData(new[] { 7, 33 }, 20)]
    public void TrainEpoch_SeveralReplicates_GivesTheBitsOfSolo(int[] hidden, int batchSize)
    {
        CohortTrial[] trials = [.. Enumerable.Range(1, 3).SelectMany(replicate =>
            Trials.Mixed(hidden, batchSize, replicate: replicate).Where((_, place) => (place + replicate) % 7 == 0))];
        var together = trials.Cohort().Train();
        Assert.All(trials, trial =>
            Assert.Equal(new[] { trial }.Cohort().Train()[trial.Id].Bits(), together[trial.Id].Bits()));
    }

    [Fact]
    public void TrainEpoch_TwoThreadsAtOnce_GivesTheBitsOfOne()
    {
        var trials = Trials.Mixed([64, 32], 32);
        var alone = trials.Cohort().Train();
        ILookup<TrialId, EpochReport>[] both = new ILookup<TrialId, EpochReport>[2];
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(slot => new Thread(() => both[slot] = trials.Cohort().Train()))];
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();

        Assert.All(trials, trial =>
        {
            Assert.Equal(alone[trial.Id].Bits(), both[0][trial.Id].Bits());
            Assert.Equal(alone[trial.Id].Bits(), both[1][trial.Id].Bits());
        });
    }

    [Fact]
    public void TrainEpoch_LastEpoch_CompletesWithTestMetricsAndEmptiesTheRun()
    {
        var trial = Trials.Configuration((Parameters.BatchNorm, true), (Parameters.Epochs, 5)).Trial();
        using var run = new FusedTrainer(TimeProvider.System).Start(new([trial]));
        for (var epoch = 1; epoch < 5; epoch++)
            Assert.Null(Assert.Single(run.TrainEpoch()).Ending);

        var last = Assert.Single(run.TrainEpoch());
        Assert.Equal(5, last.Epoch);
        Assert.Equal(Outcome.Completed, last.Ending?.Outcome);
        Assert.InRange(last.ValidationAccuracy, 0.9, 1);
        Assert.InRange(last.Ending!.TestAccuracy!.Value, 0.85, 1);
        Assert.InRange(last.Ending.TestLoss!.Value, 0, 0.6);
        Assert.Empty(run.InTraining);
        Assert.Throws<InvalidOperationException>(() => run.TrainEpoch());
    }

    [Fact]
    public void TrainEpoch_Diverged_ReportsItWithoutTestMetrics()
    {
        var report = new[] { Diverging.Trial() }.Cohort().Train().Single().Last();
        Assert.Equal(new Ending(Outcome.Diverged), report.Ending);
        Assert.InRange(report.Epoch, 1, 3);
    }

    [Fact]
    public void TrainEpoch_Seconds_AreTheCohortsTimeShared()
    {
        var time = new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromSeconds(6) };
        CohortTrial[] trials = [Trials.Configuration().Trial(), Trials.Configuration((Parameters.Activation, "elu")).Trial()];
        using var run = new FusedTrainer(time).Start(trials.Cohort());
        Assert.Equal([3.0, 3.0], run.TrainEpoch().Select(report => report.Seconds));
    }

    [Fact]
    public void Leave_Trial_TakesItOffWithoutAReport()
    {
        CohortTrial[] trials = [Trials.Configuration().Trial(), Trials.Configuration((Parameters.Activation, "elu")).Trial()];
        using var run = new FusedTrainer(TimeProvider.System).Start(trials.Cohort());
        run.Leave([trials[0].Id]);
        Assert.Equal(trials[1].Id, Assert.Single(run.InTraining));
        Assert.Equal(trials[1].Id, Assert.Single(run.TrainEpoch()).Trial);
    }

    [Fact]
    public void Start_DifferentFusionKeys_IsRefused()
    {
        CohortTrial[] trials = [Trials.Configuration().Trial(), Trials.Configuration((Parameters.BatchSize, 64)).Trial()];
        Assert.Throws<ArgumentException>(() => new FusedTrainer(TimeProvider.System).Start(trials.Cohort()));
    }

    [Fact]
    public void Start_BatchLargerThanTheTrainingRows_IsBadData()
    {
        var trial = Trials.Configuration((Parameters.BatchSize, 1_500)).Trial();
        var error = Assert.Throws<TrainerException>(() => new FusedTrainer(TimeProvider.System).Start(new([trial])));
        Assert.Equal("bad-data", error.FailureClass);
        Assert.Contains("1500 rows", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_ThreadThatKeepsDenormals_FlushesThem() => PristineThread.Run(() =>
    {
        Assert.NotEqual(0, Half(SmallestNormal));
        using var run = new FusedTrainer(TimeProvider.System).Start(new([Trials.Configuration().Trial()]));
        Assert.Equal(0, Half(SmallestNormal));
        Assert.True(TorchRuntime.Describe().FlushesDenormals);
    });

    [Fact]
    public void TrainEpoch_Stopped_EndsBetweenMiniBatches()
    {
        using var run = new FusedTrainer(TimeProvider.System).Start(new([Trials.Configuration().Trial()]));
        run.TrainEpoch(CancellationToken.None);

        Assert.Throws<OperationCanceledException>(() => run.TrainEpoch(new CancellationToken(canceled: true)));
    }

    [Fact]
    public void TrainEpoch_ManyEpochsAndCohorts_KeepsNoTensor()
    {
        var trials = Trials.Mixed([16], 64, epochs: 4);
        trials.Cohort().Train();
        var before = Tensor.TotalCount;
        for (var cohort = 0; cohort < 20; cohort++)
        {
            using var run = new FusedTrainer(TimeProvider.System).Start(trials.Cohort());
            run.TrainEpoch();
            var first = Tensor.TotalCount;
            run.TrainEpoch();
            Assert.Equal(first, Tensor.TotalCount);
            run.Leave([trials[cohort].Id]);
            run.TrainEpoch();
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Half(float number) => number / 2;
}

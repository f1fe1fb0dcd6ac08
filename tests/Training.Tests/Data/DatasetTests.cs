using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class DatasetTests
{
    [Fact]
    public void All_List_HasEveryChoice() =>
        Assert.Equal(Parameters.Dataset.Choices, [.. Datasets.All.Select(info => info.Name), "csv", "npz"]);

    [Fact]
    public void Of_Digits_IsWhatTheListSays()
    {
        var digits = Dataset.Of("digits");
        Assert.Equal([1_797, 64], digits.Features.shape);
        Assert.Equal((0f, 1f), (digits.Features.min().item<float>(), digits.Features.max().item<float>()));
        Assert.Equal(5f / 16, digits.Features[0][2].item<float>());
        Assert.Equal([178, 182, 177, 183, 181, 182, 181, 179, 174, 180],
            Enumerable.Range(0, 10).Select(label => digits.Labels.Count(other => other == label)));
        Assert.Same(digits.Features, Dataset.Of("digits").Features);
        Assert.Same(digits.Features, Dataset.Of(Trials.Configuration(), DatasetSources.Default).Features);
        Assert.Equal((new(1, 8, 8), 0), (digits.Info.Image, digits.Info.TestRows));
    }

    [Fact]
    public void For_DataThatAreNotStandardised_IsTheResidentOne()
    {
        var digits = Dataset.Of("digits");
        var run = digits.For([Partition.Of(digits, Trials.Configuration(), 1), Partition.Of(digits, Trials.Configuration(), 2)]);
        Assert.Same(digits, run);
        Assert.Equal(0, run.FirstRowOf(1));
        run.Dispose();
        Assert.Equal(5f / 16, digits.Features[0][2].item<float>());
    }

    [Fact]
    public void For_Csv_StandardisesEachPartitionByItsTrainingRows()
    {
        using var files = new DataFiles();
        var configuration = files.Keep("csv", DataFiles.Csv(rows: 90));
        var table = Dataset.Of(configuration, files.Sources);
        Partition[] partitions = [Partition.Of(table, configuration, 1), Partition.Of(table, configuration, 2)];
        var before = TorchSharp.torch.Tensor.TotalCount;

        using (TorchSharp.torch.NewDisposeScope())
        using (var run = table.For(partitions))
        {
            Assert.Equal([180, 2], run.Features.shape);
            Assert.Equal([180], run.LabelTensor.shape);
            Assert.Equal([180, 3], run.Targets.shape);
            for (var i = 0; i < 2; i++)
            {
                Assert.Equal(i * 90, run.FirstRowOf(i));
                var rows = TorchSharp.torch.tensor(partitions[i].Train.Select(row => (long)run.FirstRowOf(i) + row).ToArray());
                var features = run.Features.index_select(0, rows).to(TorchSharp.torch.float64);
                Assert.Equal([0, 0], features.mean([0]).data<double>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
                Assert.Equal([1, 1], features.std([0], unbiased: false).data<double>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
                foreach (var row in partitions[i].Test)
                    Assert.Equal(table.Labels[row], run.LabelTensor[i * 90 + row].item<long>());
            }
        }
        Assert.InRange(TorchSharp.torch.Tensor.TotalCount, 0, before);
    }

    [Fact]
    public void Of_SameContentWithOtherLabels_IsAnotherDataSet()
    {
        using var files = new DataFiles();
        var configuration = files.Keep("csv", "a,one,two\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"{i},{i % 2},{i % 4}\n")));
        Assert.Equal(4, Dataset.Of(configuration, files.Sources).Info.Classes);
        Assert.Equal(2, Dataset.Of(DataFiles.With(configuration, Parameters.LabelColumn, "one"), files.Sources).Info.Classes);
    }

    [Fact]
    public void Of_FileThatIsGoneOrAnother_FailsByItsCauseUntilItIsBack()
    {
        using var files = new DataFiles();
        var content = DataFiles.Csv(rows: 34);
        var configuration = files.Keep("csv", content);
        var kept = Assert.Single(Directory.GetFiles(files.Sources.Kept!));

        File.Delete(kept);
        var gone = Assert.Throws<TrainerException>(() => Dataset.Of(configuration, files.Sources));
        File.WriteAllText(kept, DataFiles.Csv(rows: 31));
        var changed = Assert.Throws<TrainerException>(() => Dataset.Of(configuration, files.Sources));
        File.WriteAllText(kept, content);

        Assert.Equal(("infrastructure", "bad-data"), (gone.FailureClass, changed.FailureClass));
        Assert.Contains("is not there", gone.Message, StringComparison.Ordinal);
        Assert.Contains("the file has changed since the sweep was submitted", changed.Message, StringComparison.Ordinal);
        Assert.Equal(34, Dataset.Of(configuration, files.Sources).Info.Rows);
    }

    [Fact]
    public void Train_Csv_GivesTheSameBitsWhoeverTrainsBeside()
    {
        using var files = new DataFiles();
        var configuration = files.Keep("csv", DataFiles.Csv(rows: 120));
        ImmutableArray<CohortTrial> trials = [configuration.Trial(1), configuration.Trial(2), configuration.Trial(3)];
        var together = files.Train(trials);
        foreach (var trial in trials)
        {
            var alone = files.Train([trial])[trial.Id];
            Assert.Equal(alone.Bits(), together[trial.Id].Bits());
            Assert.Equal(Outcome.Completed, alone.Last().Ending!.Outcome);
        }
    }

    [Fact]
    public void CohortSize_DataThatCannotBeHad_IsNotKnownAndItsTrialSaysWhy()
    {
        using var files = new DataFiles();
        var configuration = files.Keep("csv", DataFiles.Csv(rows: 30));
        // Every step takes a second, however many trials it has: the larger the cohort, the better.
        var trainer = new FusedTrainer(new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromSeconds(1) }, files.Sources);
        Assert.InRange(trainer.CohortSize(configuration)!.Value, 2, 1_000);
        var lost = DataFiles.With(configuration, Parameters.DataContent, new string('0', 64));
        Assert.Null(trainer.CohortSize(lost));
        Assert.Equal("infrastructure", Assert.Throws<TrainerException>(() => trainer.Start(new([lost.Trial()]))).FailureClass);
    }
}

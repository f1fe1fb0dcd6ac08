using System.Runtime.InteropServices;
using DeepTrain.Cluster.Silo.Tests;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Checkpoints;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class ModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TrainEpoch_TrialsComplete_KeepsAModelOfEachWithoutPadding()
    {
        var trials = Trials.Mixed([7, 33], 20).Where((_, place) => place % 13 == 0).ToArray();
        var reports = new Cohort([.. trials], Models: Folder()).Train();

        Assert.Equal(trials.Select(trial => _folder[Model.FileName(trial.Id)]).Order(), Directory.GetFiles(_folder.Root).Order());
        Assert.All(trials, trial =>
        {
            using var model = SafeTensorsFile.Open(_folder[Model.FileName(trial.Id)]);
            Assert.Equal([7, 64], model.Tensors["1.weight"].Shape);
            Assert.Equal([33, 7], model.Tensors["2.weight"].Shape);
            Assert.Equal([10, 33], model.Tensors["3.weight"].Shape);
            Assert.Equal([10], model.Tensors["3.bias"].Shape);
            Assert.Equal(trial.Configuration[Parameters.BatchNorm], model.Tensors.ContainsKey("2.variance"));
            Assert.Equal(trial.Configuration[Parameters.Activation] == "prelu", model.Tensors.ContainsKey("1.alpha"));
            Assert.Equal(trial.Configuration.Json, model.Metadata["configuration"]);
            Assert.Equal($"{reports[trial.Id].Last().ValidationLoss:R}", model.Metadata["validation.loss"]);
        });
    }

    /// <summary>An evaluation written out number by number.</summary>
    [Fact]
    public void Model_OfATrial_GivesItsTestAccuracy()
    {
        var trial = Trials.Configuration(
            (Parameters.Hidden, new[] { 20 }), (Parameters.Activation, "tanh"), (Parameters.BatchNorm, true)).Trial();
        var last = new Cohort([trial], Models: Folder()).Train()[trial.Id].Last();
        using var model = SafeTensorsFile.Open(_folder[Model.FileName(trial.Id)]);
        var (weights, biases) = (Read(model, "1.weight"), Read(model, "1.bias"));
        var (scale, shift, mean, variance) = (Read(model, "1.scale"), Read(model, "1.shift"), Read(model, "1.mean"), Read(model, "1.variance"));
        var (outWeights, outBiases) = (Read(model, "2.weight"), Read(model, "2.bias"));
        var data = Dataset.Of("digits");
        var pixels = data.Features.data<float>().ToArray();
        var test = Partition.Of(data, trial.Configuration, trial.Id.Replicate).Test;

        var right = test.Count(row =>
        {
            var hidden = Enumerable.Range(0, 20).Select(unit =>
            {
                var z = biases[unit] + Enumerable.Range(0, 64).Sum(at => (double)weights[unit * 64 + at] * pixels[row * 64 + at]);
                return Math.Tanh(scale[unit] * (z - mean[unit]) / Math.Sqrt(variance[unit] + 1e-5) + shift[unit]);
            }).ToArray();
            return Enumerable.Range(0, 10).MaxBy(label =>
                outBiases[label] + Enumerable.Range(0, 20).Sum(unit => outWeights[label * 20 + unit] * hidden[unit])) == data.Labels[row];
        });

        Assert.Equal(last.Ending!.TestAccuracy!.Value, (double)right / test.Length, 1.5 / test.Length);
    }

    [Fact]
    public void TrainEpoch_ModelCannotBeWritten_TellsAndCompletes()
    {
        File.WriteAllText(_folder["taken"], "a file where a folder should be");
        var trial = Trials.Configuration((Parameters.Epochs, 1)).Trial();
        var lost = new List<TrialId>();

        var report = new Cohort([trial], Models: new(_folder["taken"], (id, _) => lost.Add(id))).Train()[trial.Id].Last();

        Assert.Equal(Outcome.Completed, report.Ending?.Outcome);
        Assert.Equal([trial.Id], lost);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1, 2)]
    public void Model_OfACsv_HasWhatItsReplicateIsStandardisedByAndTheClasses(params int[] replicates)
    {
        using var files = new DataFiles();
        var configuration = files.Keep("csv", DataFiles.Csv(rows: 93));
        CohortTrial[] trials = [.. replicates.Select(replicate => configuration.Trial(replicate))];
        using (var run = files.Trainer.Start(new([.. trials], Models: Folder())))
        {
            while (run.InTraining.Count > 0)
                run.TrainEpoch();
        }

        var data = Dataset.Of(configuration, files.Sources);
        Assert.All(trials, trial =>
        {
            var train = Partition.Of(data, configuration, trial.Id.Replicate).Train;
            double[][] rows = [.. train.Select(i => new[] { i % 3 + 0.3 * Math.Sin(i), 1e9 + 1e5 * Math.Cos(7 * i) })];
            using var model = SafeTensorsFile.Open(_folder[Model.FileName(trial.Id)]);
            var (means, deviations) = (ReadDoubles(model, "input.mean"), ReadDoubles(model, "input.deviation"));
            for (var feature = 0; feature < 2; feature++)
            {
                var mean = rows.Average(row => row[feature]);
                var deviation = Math.Sqrt(rows.Average(row => Math.Pow(row[feature] - mean, 2)));
                Assert.Equal(1, means[feature] / mean, 1e-9);
                Assert.Equal(1, deviations[feature] / deviation, 1e-9);
            }
            Assert.Equal("""["class 0","class 1","class 2"]""", model.Metadata["classes"]);
        });
    }

    [Fact]
    public void Model_OfPixels_SaysNothingOfItsInput()
    {
        var trial = Trials.Configuration((Parameters.Epochs, 1)).Trial();
        new Cohort([trial], Models: Folder()).Train();
        using var model = SafeTensorsFile.Open(_folder[Model.FileName(trial.Id)]);
        Assert.DoesNotContain(model.Tensors.Keys, name => name.StartsWith("input.", StringComparison.Ordinal));
        Assert.DoesNotContain("classes", model.Metadata.Keys);
    }

    [Fact]
    public void IsOf_ModelThatWasCutOff_IsNone()
    {
        var trial = Trials.Configuration((Parameters.Epochs, 1)).Trial();
        var last = new Cohort([trial], Models: Folder()).Train()[trial.Id].Last();
        var result = new TrialResult(
            trial.Id, Outcome.Completed, last.TrainLoss, last.ValidationLoss, last.ValidationAccuracy, last.Ending!.TestLoss,
            last.Ending.TestAccuracy, 1, 0, 1, null);
        var path = _folder[Model.FileName(trial.Id)];
        Assert.True(Model.IsOf(path, result));

        var whole = File.ReadAllBytes(path);
        foreach (var length in new[] { 0, 5, 400, whole.Length / 2, whole.Length - 1 })
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.False(Model.IsOf(path, result), $"{length} of {whole.Length} bytes");
        }
        File.WriteAllBytes(path, new byte[whole.Length]);
        Assert.False(Model.IsOf(path, result));
    }

    private ModelFolder Folder() => new(_folder.Root, (trial, error) => Assert.Fail($"{trial}: {error}"));

    private static double[] ReadDoubles(SafeTensorsFile model, string name)
    {
        var numbers = new double[model.Tensors[name].Length / sizeof(double)];
        model.Read(name, 0, MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    private static float[] Read(SafeTensorsFile model, string name)
    {
        var numbers = new float[model.Tensors[name].Length / sizeof(float)];
        model.Read(name, 0, MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }
}

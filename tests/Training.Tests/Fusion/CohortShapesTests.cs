using System.Collections.Immutable;
using System.Security.Cryptography;
using CsCheck;
using DeepTrain.Cluster.Silo.Tests;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>A trial's bits are its own in every cohort, whatever the shapes: libraries take other ways where a size is 1.</summary>
public sealed class CohortShapesTests
{
    private static readonly Gen<int> Size = Gen.Frequency((2, Gen.Const(1)), (1, Gen.Int[2, 8]), (1, Gen.Int[9, 70]));

    private static readonly Gen<Shape> Shapes = Gen.Select(
        Gen.Bool, Gen.Select(Size, Gen.Int[2, 7], Gen.Int[2, 5]), Size.Array[1, 2], Size.Array[1, 3],
        Gen.Frequency((2, Gen.Const(1)), (2, Gen.Int[2, 8]), (1, Gen.Int[9, 33])), Gen.Int[2, 12],
        (isImage, image, channels, hidden, batch, classes) => new Shape(
            isImage ? [Math.Min(image.Item1, 3), image.Item2, image.Item3] : [image.Item1],
            isImage ? [.. channels.Take(image.Item2 > 3 && image.Item3 > 3 ? 2 : 1)] : [], hidden, batch, classes));

    [Fact]
    public void TrainEpoch_ShapeWithOnes_GivesTheBitsOfSolo() =>
        Gen.Select(Shapes, Gen.Int[0, 77].Array[5].Where(places => places.Distinct().Count() > 3), Gen.Bool).Sample((shape, places, normalisesLast) =>
        {
            using var files = new DataFiles();
            using var folder = new TemporaryFolder();
            CohortTrial[] trials = [.. Trials(shape, files, normalisesLast && shape.BatchSize > 1, places.Distinct())];
            var together = Train(trials, "together");
            var firstTwo = Train(trials[..2], "two");
            foreach (var (place, trial) in trials.Index())
            {
                var alone = Train([trial], "alone");
                Assert.Equal(alone[trial.Id], together[trial.Id]);
                if (place < 2)
                    Assert.Equal(alone[trial.Id], firstTwo[trial.Id]);
            }

            // What is reported of each trial, and the model that is kept of it, as export compares and writes them.
            Dictionary<TrialId, string> Train(CohortTrial[] cohort, string name)
            {
                var models = new ModelFolder(folder[name], (trial, error) => Assert.Fail($"{trial}: {error}"));
                using var run = files.Trainer.Start(new([.. cohort], Models: models));
                var reports = run.ReportStart().ToList();
                while (run.InTraining.Count > 0)
                    reports.AddRange(run.TrainEpoch());
                return reports.GroupBy(report => report.Trial).ToDictionary(own => own.Key, own => string.Join('\n', own.Bits().Append(Model(own.Key))));

                string Model(TrialId trial) => Path.Combine(folder[name], Training.Checkpoints.Model.FileName(trial)) is var path && File.Exists(path)
                    ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))) : "no model";
            }
        }, writeLine: TestContext.Current.TestOutputHelper!.WriteLine, iter: 25, threads: 1);

    private static ImmutableArray<CohortTrial> Trials(Shape shape, DataFiles files, bool normalisesLast, IEnumerable<int> places)
    {
        const int rows = 60;
        var random = new Random(7);
        var features = shape.Input.Aggregate((product, size) => product * size);
        var file = Npz.Of(
            ("x.npy", Npz.Floats($"{rows}, {string.Join(", ", shape.Input)},", [.. Enumerable.Range(0, rows * features).Select(_ => random.NextSingle() - 0.5f)])),
            ("y.npy", Npz.Longs($"{rows},", [.. Enumerable.Range(0, rows).Select(row => (long)row % shape.Classes)])));
        var content = Convert.ToHexStringLower(SHA256.HashData(file));
        KeptFiles.Keep(files.Write("original", file), content, files.Sources.Kept!, TimeProvider.System);
        var mixed = Tests.Trials.Mixed([.. shape.Hidden], shape.BatchSize, normalisesLast: normalisesLast, batchNorm: shape.BatchSize > 1);
        return [.. places.Select(place => Configuration.Resolve(new Dictionary<string, ParameterValue>(mixed[place].Configuration.Values)
        {
            [Parameters.Dataset.Name] = ParameterValue.Of("npz"),
            [Parameters.DataContent.Name] = ParameterValue.Of(content),
            [Parameters.Architecture.Name] = ParameterValue.Of(shape.Channels.Length > 0 ? "convolution" : "dense"),
            [Parameters.Channels.Name] = ParameterValue.Of([.. shape.Channels.DefaultIfEmpty(1)]),
        }).Trial())];
    }

    /// <param name="Input">Features of a row; or channels, height and width.</param>
    /// <param name="Channels">Of the convolutions; none: there are none.</param>
    private sealed record Shape(int[] Input, int[] Channels, int[] Hidden, int BatchSize, int Classes)
    {
        public override string ToString() =>
            $"input {string.Join('x', Input)}, channels [{string.Join(", ", Channels)}], hidden [{string.Join(", ", Hidden)}], batchSize {BatchSize}, {Classes} classes";
    }
}

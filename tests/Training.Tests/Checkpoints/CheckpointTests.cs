using CsCheck;
using DeepTrain.Cluster.Silo.Tests;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Checkpoints;
using DeepTrain.Cluster.Training.Fusion;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class CheckpointTests : IDisposable
{
    private const int Epochs = 4;

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder["lease-2.safetensors"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(new[] { 64, 32 }, 32, 1)]
    [InlineData(new[] { 7, 33 }, 20, 3)]
    public void Start_FromACheckpoint_GivesTheBitsOfTheUninterrupted(int[] hidden, int batchSize, int savedAfter)
    {
        var trials = Trials.Mixed(hidden, batchSize, Epochs).Where((_, place) => place % 3 == 0).ToArray();
        var whole = trials.Cohort().Train();
        Save(trials, savedAfter);
        var random = new Random(5);
        CohortTrial[] shuffled = [.. trials];
        random.Shuffle(shuffled);

        foreach (var part in (CohortTrial[][])[trials, shuffled, [.. shuffled.Take(5)], [trials[2]], [trials[^1]]])
        {
            using var run = new FusedTrainer(TimeProvider.System).Start(new([.. part], Path));
            Assert.Equal(savedAfter, run.Epoch);
            var reports = Finish(run);
            Assert.All(part, trial => Assert.Equal(whole[trial.Id].Bits().Skip(1 + savedAfter), reports[trial.Id].Bits()));
        }
    }

    [Fact]
    public void Start_FromACheckpointOfSeveralReplicatesAfterOthersLeft_GivesTheBitsOfTheUninterrupted()
    {
        CohortTrial[] trials = [.. Enumerable.Range(1, 3).SelectMany(replicate =>
            Trials.Mixed([16], 32, Epochs, replicate).Where((_, place) => (place + replicate) % 11 == 0))];
        var whole = trials.Cohort().Train();
        using (var run = new FusedTrainer(TimeProvider.System).Start(trials.Cohort()))
        {
            run.TrainEpoch();
            run.Leave([.. trials.Take(2).Select(trial => trial.Id)]);
            run.TrainEpoch();
            run.Save(Path);
            run.TrainEpoch();
        }

        using var resumed = new FusedTrainer(TimeProvider.System).Start(new([.. trials.Skip(2)], Path));
        var reports = Finish(resumed);

        Assert.All(trials.Skip(2), trial => Assert.Equal(whole[trial.Id].Bits().Skip(1 + 2), reports[trial.Id].Bits()));
    }

    [Fact]
    public void Save_Again_IsTheSameFileBitForBit()
    {
        var trials = Trials.Mixed([16], 32, Epochs).Where((_, place) => place % 7 == 0).ToArray();
        Save(trials, 2);
        using var resumed = new FusedTrainer(TimeProvider.System).Start(new([.. trials], Path));
        resumed.Save(_folder["again.safetensors"]);

        Assert.Equal(File.ReadAllBytes(Path), File.ReadAllBytes(_folder["again.safetensors"]));
    }

    [Fact]
    public void Start_CheckpointWithoutTheTrial_IsRefused()
    {
        Save([Trials.Configuration((Parameters.Epochs, Epochs)).Trial()], 1);
        var before = Tensor.TotalCount;

        var error = Assert.Throws<InvalidDataException>(() => new FusedTrainer(TimeProvider.System).Start(
            new([Trials.Configuration((Parameters.Epochs, Epochs)).Trial(replicate: 2)], Path)));

        Assert.StartsWith($"{Path}: this checkpoint cannot be resumed from: test-1/", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Theory]
    [InlineData("format", "deeptrain-checkpoint-0")]
    [InlineData("origin", "another build")]
    [InlineData("epoch", "-1")]
    [InlineData("epoch", "99999999999")]
    [InlineData("trials", "[3]")]
    [InlineData("trials", "[\"x\"]")]
    [InlineData("trials", "null")]
    [InlineData("starts", "{\"1.weight\":\"a\"}")]
    [InlineData("starts", "{}")]
    [InlineData("starts", "{\"1.weight\":5}")]
    public void Start_CheckpointWithOtherMetadata_IsRefused(string key, string value)
    {
        CohortTrial[] trials = [Trials.Configuration((Parameters.Epochs, Epochs)).Trial()];
        Save(trials, 1);
        Rewrite(metadata => metadata[key] = value);

        var error = Assert.Throws<InvalidDataException>(() => new FusedTrainer(TimeProvider.System).Start(new([.. trials], Path)));

        Assert.StartsWith(Path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_CheckpointOfAnotherNetwork_IsRefused()
    {
        var narrow = Trials.Configuration((Parameters.Hidden, new[] { 16 }), (Parameters.Epochs, Epochs)).Trial();
        var wide = Trials.Configuration((Parameters.Hidden, new[] { 64 }), (Parameters.Epochs, Epochs)).Trial() with { Id = narrow.Id };
        Save([narrow], 1);

        var error = Assert.Throws<InvalidDataException>(() => new FusedTrainer(TimeProvider.System).Start(new([wide], Path)));

        Assert.Contains("1.weight", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_CutOffOrMissingCheckpoint_IsRefused()
    {
        CohortTrial[] trials = [Trials.Configuration((Parameters.Epochs, Epochs)).Trial()];
        Save(trials, 1);
        var bytes = File.ReadAllBytes(Path);
        File.WriteAllBytes(Path, bytes[..^100]);
        Assert.Throws<InvalidDataException>(() => new FusedTrainer(TimeProvider.System).Start(new([.. trials], Path)));

        File.Delete(Path);
        Assert.Throws<FileNotFoundException>(() => new FusedTrainer(TimeProvider.System).Start(new([.. trials], Path)));
    }

    [Fact]
    public void Start_CheckpointWithAChangedBit_IsRefused()
    {
        CohortTrial[] trials = [Trials.Configuration((Parameters.Epochs, Epochs)).Trial()];
        Save(trials, 1);
        var whole = File.ReadAllBytes(Path);

        Gen.Int[0, whole.Length * 8 - 1].Sample(bit =>
        {
            var changed = whole.ToArray();
            changed[bit / 8] ^= (byte)(1 << bit % 8);
            File.WriteAllBytes(Path, changed);
            var before = Tensor.TotalCount;
            Assert.Throws<InvalidDataException>(() => new FusedTrainer(TimeProvider.System).Start(new([.. trials], Path)));
            Assert.Equal(before, Tensor.TotalCount);
        }, iter: 100, threads: 1);
    }

    private void Save(CohortTrial[] trials, int after)
    {
        using var run = new FusedTrainer(TimeProvider.System).Start(trials.Cohort());
        while (run.Epoch < after)
            run.TrainEpoch();
        run.Save(Path);
    }

    private static ILookup<TrialId, EpochReport> Finish(ITrainingRun run)
    {
        var reports = new List<EpochReport>();
        while (run.InTraining.Count > 0)
            reports.AddRange(run.TrainEpoch());
        return reports.ToLookup(report => report.Trial);
    }

    private void Rewrite(Action<Dictionary<string, string>> change)
    {
        using var file = SafeTensorsFile.Open(Path);
        var metadata = file.Metadata.ToDictionary();
        change(metadata);
        Write(file, metadata);
        using var changed = SafeTensorsFile.Open(Path);
        metadata[CheckpointHash.Key] = CheckpointHash.Of(changed);
        Write(file, metadata);
    }

    private void Write(SafeTensorsFile file, Dictionary<string, string> metadata) => SafeTensorsWriter.Save(Path, metadata, [.. file.Tensors.Values], (tensor, stream) =>
    {
        var bytes = new byte[tensor.Length];
        file.Read(tensor.Name, 0, bytes);
        stream.Write(bytes);
    });
}

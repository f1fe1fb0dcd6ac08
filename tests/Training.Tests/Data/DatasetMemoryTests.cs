using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Fusion;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class DatasetMemoryTests
{
    /// <summary>Of one of the data sets here: 4 rows of 2 features, 4 labels twice, 4 rows of 2 targets.</summary>
    private const long Bytes = 4 * 2 * 4 + 4 * (4 + 8) + 4 * 2 * 4;

    private readonly List<string> _read = [];

    [Fact]
    public void Lend_InUse_StaysHoweverMuchItIs()
    {
        var memory = new DatasetMemory(idleBytes: 0);
        var (a, b) = (Lend(memory, "a"), Lend(memory, "b"));
        Lend(memory, "c").Dispose();
        Assert.Same(a.Features, Lend(memory, "a").Features);
        Assert.Same(b.Features, Lend(memory, "b").Features);
        Assert.Equal(["a", "b", "c"], _read);
        Assert.Equal(1, a.Features[0][0].item<float>());
    }

    [Theory]
    [InlineData(0, "d")]
    [InlineData(Bytes, "c d")]
    [InlineData(2 * Bytes - 1, "c d")]
    [InlineData(2 * Bytes, "b c d")]
    public void Lend_GivenBack_StaysWhileTheLastUsedOnesFit(long idleBytes, string stay)
    {
        var memory = new DatasetMemory(idleBytes);
        var lent = ((string[])["a", "b", "c", "d"]).Select(name => Lend(memory, name)).ToList();
        Assert.All(lent, data => Assert.Equal(Bytes, data.Bytes));
        lent.ForEach(data => data.Dispose());

        _read.Clear();
        var again = ((string[])["d", "c", "b", "a"]).Select(name => Lend(memory, name)).ToList();

        Assert.Equal(stay, string.Join(' ', ((string[])["a", "b", "c", "d"]).Except(_read)));
        Assert.Equal(4 - stay.Split(' ').Length, lent.Count(data => data.Features.IsInvalid));
        Assert.All(again, data => Assert.Equal(1, data.Features[0][0].item<float>()));
    }

    [Fact]
    public void Dispose_Twice_GivesBackOnce()
    {
        var memory = new DatasetMemory(idleBytes: 0);
        var (a, same) = (Lend(memory, "a"), Lend(memory, "a"));
        a.Dispose();
        a.Dispose();
        Lend(memory, "b").Dispose();
        Assert.False(same.Features.IsInvalid);
    }

    [Fact]
    public void Lend_OtherDevice_HasRoomOfItsOwn()
    {
        var memory = new DatasetMemory(idleBytes: 0);
        Lend(memory, "a").Dispose();
        Lend(memory, "b", "cuda:0").Dispose();
        Lend(memory, "a").Dispose();
        Assert.Equal(["a", "b"], _read);
    }

    [Fact]
    public void Lend_ThatCannotBeRead_IsReadAgainByTheNext()
    {
        var memory = new DatasetMemory(idleBytes: 0);
        Assert.Throws<TrainerException>(() => memory.Lend(Key("a"), () => throw new TrainerException("bad-data", "It is gone.")));
        Assert.Equal(1, Lend(memory, "a").Features[0][0].item<float>());
    }

    [Fact]
    public void Train_ManyDataSets_LeaveWhatIsBounded()
    {
        using var files = new DataFiles();
        var memory = new DatasetMemory(idleBytes: 0);
        var trainer = new FusedTrainer(TimeProvider.System, files.Sources with { Memory = memory });
        var configurations = Enumerable.Range(1, 4).Select(i => files.Keep("csv", DataFiles.Csv(rows: 60 + i))).ToList();
        Train();
        var before = TorchSharp.torch.Tensor.TotalCount;
        configurations = [.. Enumerable.Range(5, 4).Select(i => files.Keep("csv", DataFiles.Csv(rows: 60 + i)))];
        Train();
        Assert.InRange(TorchSharp.torch.Tensor.TotalCount, 0, before);

        void Train()
        {
            foreach (var configuration in configurations)
            {
                using var run = trainer.Start(new([configuration.Trial()]));
                run.TrainEpoch();
            }
        }
    }

    private Dataset Lend(DatasetMemory memory, string name, string device = "cpu") => memory.Lend(Key(name, device), () =>
    {
        _read.Add(name);
        return Dataset.From(new(name, 4, 2, 2, ""), [1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 0, 1]);
    });

    private static DatasetKey Key(string name, string device = "cpu") => new(name, null, null, device);
}

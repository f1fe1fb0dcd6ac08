using CsCheck;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class PartitionTests
{
    private static readonly Dataset Digits = Dataset.Of("digits");

    [Fact]
    public void Of_Digits_PartsEveryRowOnceAndEachClassAlike()
    {
        var (train, validation, test) = Of(1);
        Assert.Equal(Enumerable.Range(0, 1_797), train.Concat(validation).Concat(test).Order());
        foreach (var rows in Enumerable.Range(0, 1_797).GroupBy(row => Digits.Labels[row]))
        {
            Assert.Equal(0.2 * rows.Count(), validation.Count(row => Digits.Labels[row] == rows.Key), 0.5);
            Assert.Equal(0.1 * rows.Count(), test.Count(row => Digits.Labels[row] == rows.Key), 0.5);
        }
    }

    [Fact]
    public void Of_OtherReplicate_DiffersUnlessFixed()
    {
        Assert.Equal(Of(1).Train, Of(1).Train);
        Assert.NotEqual(Of(1).Train, Of(2).Train);
        Assert.NotEqual(Of(1).Test, Of(2).Test);
        Assert.Equal(Of(1, "fixed").Train, Of(2, "fixed").Train);
        Assert.Equal(Of(1, "fixed").Test, Of(2, "fixed").Test);
    }

    [Fact]
    public void Of_NothingLeftToValidate_IsBadData() => Assert.Equal("bad-data", Assert.Throws<TrainerException>(() =>
        Partition.Of(Digits, Trials.Configuration((Parameters.ValidationFraction, 0.001)), 1)).FailureClass);

    [Fact]
    public void Of_SmallerTrainFraction_IsAStratifiedSubset() => Gen.Select(Gen.Double[0.001, 1], Gen.Double[0.001, 1], Gen.Int[1, 9]).Sample((a, b, replicate) =>
    {
        var (smaller, larger) = (Part(Math.Min(a, b)), Part(Math.Max(a, b)));
        Assert.Subset(larger.Train.ToHashSet(), smaller.Train.ToHashSet());
        var whole = Of(replicate);
        Assert.Equal((whole.Validation, whole.Test), (smaller.Validation, smaller.Test), (x, y) => x.Validation.SequenceEqual(y.Validation) && x.Test.SequenceEqual(y.Test));
        foreach (var rows in whole.Train.GroupBy(row => Digits.Labels[row]))
            Assert.Equal(Math.Max(1, Math.Min(a, b) * rows.Count()), smaller.Train.Count(row => Digits.Labels[row] == rows.Key), 0.5);

        Partition Part(double fraction) =>
            Partition.Of(Digits, Trials.Configuration((Parameters.TrainFraction, fraction), (Parameters.BatchSize, 1)), replicate);
    }, iter: 30);

    [Fact]
    public void Of_OfficialTest_StaysAsItIs()
    {
        using var data = Dataset.From(new("mnist", 60, 1, 2, "") { TestRows = 20 }, new float[60], [.. Enumerable.Range(0, 60).Select(row => row % 2)]);
        var configuration = Trials.Configuration((Parameters.Dataset, "mnist"), (Parameters.BatchSize, 4));
        Assert.False(configuration.Values.ContainsKey("testFraction"));
        var (train, validation, test) = Partition.Of(data, configuration, 1);
        Assert.Equal(Enumerable.Range(40, 20), test);
        Assert.Equal((32, 8), (train.Length, validation.Length));
        Assert.Equal(Enumerable.Range(0, 40), train.Concat(validation).Order());
        Assert.NotEqual(train, Partition.Of(data, configuration, 2).Train);
    }

    private static Partition Of(int replicate, string split = "stratified") =>
        Partition.Of(Digits, Trials.Configuration((Parameters.Split, split)), replicate);
}

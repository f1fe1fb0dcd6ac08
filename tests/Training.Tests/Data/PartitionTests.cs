using DeepTrain.Cluster.Sweeps;

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
    public void Of_NothingLeftToValidate_IsBadData() => Assert.Equal("bad-data", Assert.Throws<TrainingException>(() =>
        Partition.Of(Digits, Trials.Configuration((Parameters.ValidationFraction, 0.001)), 1)).FailureClass);

    private static Partition Of(int replicate, string split = "stratified") =>
        Partition.Of(Digits, Trials.Configuration((Parameters.Split, split)), replicate);
}

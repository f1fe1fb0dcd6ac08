using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class DatasetTests
{
    [Fact]
    public void All_List_HasEveryChoice() =>
        Assert.Equal(Parameters.Dataset.Choices.Order(), Datasets.All.Select(info => info.Name).Order());

    [Fact]
    public void Of_Digits_IsWhatTheListSays()
    {
        var digits = Dataset.Of("digits");
        Assert.Equal([1_797, 64], digits.Features.shape);
        Assert.Equal((0f, 1f), (digits.Features.min().item<float>(), digits.Features.max().item<float>()));
        Assert.Equal(5f / 16, digits.Features[0][2].item<float>());
        Assert.Equal([178, 182, 177, 183, 181, 182, 181, 179, 174, 180],
            Enumerable.Range(0, 10).Select(label => digits.Labels.Count(other => other == label)));
        Assert.Same(digits, Dataset.Of("digits"));
    }
}

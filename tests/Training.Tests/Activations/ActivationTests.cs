using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Activations;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class ActivationTests
{
    [Fact]
    public void ByName_Table_HasEveryChoice() =>
        Assert.Equal(Parameters.Activation.Choices.Order(), Activation.ByName.Keys.Order());
}

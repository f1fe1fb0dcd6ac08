using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Sweeps.Results;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class SlotTrainersTests
{
    [Fact]
    public void Of_MoreSlotsThanDevices_HaveThemInTurn()
    {
        ScriptedTrainer[] two = [new(), new()];
        var trainers = new SlotTrainers([.. two]);

        Assert.Equal([two[0], two[1], two[0], two[1], two[0]], Enumerable.Range(0, 5).Select(trainers.Of));
    }
}

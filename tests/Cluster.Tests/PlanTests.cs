namespace DeepTrain.Cluster.Cluster.Tests;

public sealed class PlanTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Plan_SmallSweep_SaysWhatEachNetworkTakes()
    {
        var file = _workplace.Write(new SweepText("planned") { Widths = [8, 12], Epochs = [3000] });
        var plan = (await _workplace.Tell("plan", file, "--slots", "2", "--format", "json")).Expect(0).Json;
        Assert.Equal("planned", plan.GetProperty("name").GetString());
        Assert.Equal(8, plan.GetProperty("trials").GetInt32());
        var networks = plan.GetProperty("networks").EnumerateArray().ToList();
        Assert.Equal(["8", "12"], networks.Select(network => network.GetProperty("network").GetString()));
        Assert.All(networks, network =>
        {
            Assert.Equal((2, 4), (network.GetProperty("cells").GetInt32(), network.GetProperty("trials").GetInt32()));
            Assert.Equal((32, 3000), (network.GetProperty("batchSize").GetInt32(), network.GetProperty("epochs").GetInt32()));
            Assert.InRange(network.GetProperty("cohortSize").GetInt32(), 1, 64);
            Assert.InRange(network.GetProperty("seconds").GetDouble(), 0.1, double.MaxValue);
        });
        Assert.Equal(networks.Sum(network => network.GetProperty("seconds").GetDouble()), plan.GetProperty("seconds").GetDouble(), 1e-9);
        Assert.False(Directory.Exists(_workplace.Data));
    }

    [Fact]
    public async Task Plan_Costs_ComparesEachActivationWithNone()
    {
        var file = _workplace.Write(new SweepText("costly"));
        var costs = (await _workplace.Tell("plan", file, "--costs", "--format", "json")).Expect(0).Json.EnumerateArray().ToList();
        Assert.Equal(["tanh", "relu"], costs.Select(cost => cost.GetProperty("level").GetString()));
        Assert.All(costs, cost =>
        {
            Assert.Equal("identity", cost.GetProperty("baseline").GetString());
            // How many times as long it takes: what that is depends on the machine, but it is a ratio of times.
            foreach (var part in (string[])["training", "evaluation"])
                Assert.InRange(cost.GetProperty(part).GetProperty("low").GetDouble(), double.Epsilon, 1000);
        });
    }
}

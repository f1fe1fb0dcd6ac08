namespace DeepTrain.Cluster.Cluster.Tests;

public sealed class PlanTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Plan_SmallSweep_SaysWhatEachNetworkTakes()
    {
        var file = _workplace.Write(new SweepText("planned") { Widths = [8, 12], Epochs = [3] });
        var plan = (await _workplace.Tell("plan", file, "--slots", "2", "--format", "json")).Expect(0).Json;
        Assert.Equal("planned", plan.GetProperty("name").GetString());
        Assert.Equal(8, plan.GetProperty("trials").GetInt32());
        var networks = plan.GetProperty("networks").EnumerateArray().ToList();
        Assert.Equal(["8", "12"], networks.Select(network => network.GetProperty("network").GetString()));
        Assert.All(networks, network =>
        {
            Assert.Equal(4, network.GetProperty("trials").GetInt32());
            Assert.InRange(network.GetProperty("cohortSize").GetInt32(), 1, 64);
            Assert.InRange(network.GetProperty("seconds").GetDouble(), 0, Eventually.Deadline.TotalSeconds);
        });
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
            var training = cost.GetProperty("training");
            Assert.InRange(training.GetProperty("median").GetDouble(), training.GetProperty("low").GetDouble(), training.GetProperty("high").GetDouble());
        });
    }
}

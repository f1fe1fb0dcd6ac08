namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Two coordinators of one sweep, each sure that it is the only one.</summary>
public sealed class DoubleActivationTests(ITestOutputHelper output)
{
    private static readonly SweepText Contested = new("contested")
    {
        Activations = ["tanh", "relu", "elu", "selu"], Epochs = [1], Replicates = 30,
        More = "trainer: { simulate: { seconds: 0.3, accuracy: 0.9, cohort: 1 } }",
    };

    /// <summary>Two clusters that do not know of each other share one store: both keepers wake a coordinator of the same sweep.</summary>
    [Fact]
    public async Task TwoClusters_OneStore_EachTrialIsLeasedOnceAndOneCoordinatorGivesUp()
    {
        await using var cluster = await TestCluster.StartAsync();
        await cluster.AddAsync(new SiloSetup("both"));
        var sweep = await cluster.SubmitAsync(Contested);
        await cluster.Until(() => cluster.Store.Ended(sweep) > 0, "the first result");
        var fence = cluster.Store.CoordinatorFence(sweep);

        cluster.Settings["DEEPTRAIN_CLUSTER_ID"] += "-another";
        await cluster.AddAsync(new SiloSetup("both"));
        await cluster.Until(() => cluster.Store.CoordinatorFence(sweep) > fence, "the other cluster's coordinator");
        await cluster.UntilFinished(sweep);

        var trials = cluster.Store.Trials(sweep);
        var saidSo = cluster.Silos.Count(silo => silo.Said.Contains("Another coordinator has opened", StringComparison.Ordinal));
        output.WriteLine($"coordinators in turn: {cluster.Store.CoordinatorFence(sweep)}, silos that said they had been replaced: {saidSo}, leases: {cluster.Store.Leases(sweep)}");
        // Whoever was replaced gave up: it said so, or had to open the sweep anew.
        Assert.True(saidSo > 0 || cluster.Store.CoordinatorFence(sweep) >= fence + 2, cluster.Explain());
        Assert.Equal(Contested.Trials, cluster.Store.Leases(sweep));
        Assert.Equal(Contested.Trials, trials.Count);
        Assert.All(trials, trial => Assert.Equal(("Completed", 1, 1L), (trial.Outcome, trial.Attempt, trial.Fence)));
        Assert.Equal(2, cluster.Store.SilosThatLeased(sweep));
        Assert.All(cluster.Silos, silo => Assert.False(silo.HasExited, silo.Errors));
    }
}

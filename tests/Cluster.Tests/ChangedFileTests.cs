namespace DeepTrain.Cluster.Cluster.Tests;

public sealed class ChangedFileTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Run_ChangedFile_ExtendsOrRefuses()
    {
        var sweep = new SweepText("changed");
        (await _workplace.Run(_workplace.Write(sweep)).WaitAsync()).Expect(0);
        var before = _workplace.Store.Trials("changed-1").Select(trial => trial.Everything).ToList();

        (await _workplace.Run(_workplace.Write(sweep with { Replicates = 3 })).WaitAsync()).Expect(0)
            .ExpectInErrors("changed-1: extended, +2 trials, now 2 cells x 3 replicates");

        var extended = _workplace.Store.Trials("changed-1");
        Assert.Equal(before, extended.Where(trial => trial.Replicate < 3).Select(trial => trial.Everything));
        Assert.Equal(["Completed", "Completed"], extended.Where(trial => trial.Replicate == 3).Select(trial => trial.Outcome));

        var other = _workplace.Write(sweep with { Replicates = 3, LearningRate = 0.1 });
        var refused = (await _workplace.Run(other).WaitAsync()).Expect(2)
            .ExpectInErrors("learningRate: 0.05 -> 0.1").ExpectInErrors("--new");
        Assert.Equal("", refused.Output);
        Assert.Equal(extended.Select(trial => trial.Everything), _workplace.Store.Trials("changed-1").Select(trial => trial.Everything));
        Assert.Empty(_workplace.Store.Trials("changed-2"));

        var anew = (await _workplace.Run(other, "--new").WaitAsync()).Expect(0);
        Assert.Equal("changed-2", anew.Json.GetProperty("sweepId").GetString());
        Assert.Equal(6, _workplace.Store.Ended("changed-2"));
    }
}

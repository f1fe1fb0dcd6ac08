using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class TrialSelectorTests
{
    private static readonly Sweep Sweep = SweepFile.Parse("""
        name: digits
        dataset: digits
        network: { hidden: [8] }
        space: { activation: [relu, tanh] }
        replicates: 12
        """, "sweep").Sweep!;

    private static string Cell => Sweep.Cells[1].Id;

    [Theory]
    [InlineData("digits-1", "digits-1", null)]
    [InlineData("digits/01", "digits", "01")]
    [InlineData("digits-1/0123/r2", "digits-1", "0123/r2")]
    public void Split_SweepAndTrial_AreTold(string text, string sweep, string? trial) =>
        Assert.Equal((sweep, trial), TrialSelector.Split(text));

    [Theory]
    [InlineData("{0}/r1", 1)]
    [InlineData("digits-1/{0}/r12", 12)]
    [InlineData("{0}/r2", 2)]
    public void Select_IdWithOrWithoutItsSweep_IsThatTrial(string text, int replicate) => Assert.Equal(
        new("digits-1", Cell, replicate),
        TrialSelector.Select("digits-1", Sweep, text.Replace("{0}", Cell, StringComparison.Ordinal)));

    [Fact]
    public void Select_UniqueBeginning_IsThatTrial() =>
        Assert.Equal(new("digits-1", Cell, 1), TrialSelector.Select("digits-1", Sweep with { Replicates = 1 }, Cell[..6]));

    [Fact]
    public void Select_SeveralMeant_NamesThem()
    {
        var error = Assert.Throws<UserException>(() => TrialSelector.Select("digits-1", Sweep, Cell));

        Assert.Equal(ExitCode.NotFound, error.ExitCode);
        Assert.Contains($"digits-1/{Cell}/r10", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Select_EmptyTextWhereThereIsOneTrial_IsNotFound() => Assert.Equal(
        ExitCode.NotFound,
        Assert.Throws<UserException>(() => TrialSelector.Select("digits-1", Sweep with { Replicates = 1, Cells = [Sweep.Cells[0]] }, "")).ExitCode);

    [Theory]
    [InlineData("zz")]
    [InlineData("digits-2/0")]
    public void Select_NoneMeant_SaysSo(string text) =>
        Assert.Equal(ExitCode.NotFound, Assert.Throws<UserException>(() => TrialSelector.Select("digits-1", Sweep, text)).ExitCode);
}

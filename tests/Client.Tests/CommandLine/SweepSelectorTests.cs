using System.Collections.Immutable;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class SweepSelectorTests
{
    private static readonly ImmutableArray<SweepOverview> Sweeps =
        [Sweep("digits", 10), Sweep("digits", 2), Sweep("digits", 1), Sweep("depth-1", 3), Sweep("depth", 1)];

    [Theory]
    [InlineData("digits-1", "digits-1")]
    [InlineData("digits-10", "digits-10")]
    [InlineData("digits", "digits-10")]
    [InlineData("depth-1", "depth-1")]
    [InlineData("depth-1-", "depth-1-3")]
    [InlineData("digits-2", "digits-2")]
    public void Select_OneIsMeant_IsFound(string text, string id) => Assert.Equal(id, SweepSelector.Select(Sweeps, text).Id);

    [Fact]
    public void Select_Ambiguous_NamesTheCandidates()
    {
        var exception = Assert.Throws<UserException>(() => SweepSelector.Select(Sweeps, "dep"));

        Assert.Equal((3, "'dep' may be any of depth-1-3, depth-1: write more of it."), (exception.ExitCode, exception.Message));
    }

    [Fact]
    public void Select_None_NamesWhatThereIs()
    {
        var exception = Assert.Throws<UserException>(() => SweepSelector.Select(Sweeps, "mnist"));

        Assert.Equal(
            (3, "no sweep 'mnist'. There are: digits-10, digits-2, digits-1, depth-1-3, depth-1."),
            (exception.ExitCode, exception.Message));
    }

    [Fact]
    public void Select_NothingStored_AsksForTheFolder()
    {
        var exception = Assert.Throws<UserException>(() => SweepSelector.Select([], "digits"));

        Assert.Equal(3, exception.ExitCode);
        Assert.Contains("--data", exception.Message, StringComparison.Ordinal);
    }

    private static SweepOverview Sweep(string name, int number) => new(
        $"{name}-{number}", name, number, SweepStatus.Running, DateTimeOffset.UnixEpoch, null, null, 0, 0,
        ImmutableDictionary<Outcome, int>.Empty);
}

using System.Collections.Immutable;
using CsCheck;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class SweepSelectorTests
{
    private static readonly Gen<SweepOverview> AnySweep =
        Gen.Select(Gen.OneOf("s", "s-1", "s-12", "s1", "depth"), Gen.Int[1, 30], (name, number) => Sweep(name, number));

    private static readonly Gen<ImmutableArray<SweepOverview>> AnySweeps =
        AnySweep.Array[0, 30].Select(sweeps => sweeps.DistinctBy(sweep => sweep.Id).ToImmutableArray());

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
    public void Select_TextOfTheFormOfAnId_IsThatSweepOrNone() => Gen.Select(AnySweeps, AnySweep).Sample((sweeps, wanted) =>
    {
        var stored = sweeps.Any(sweep => sweep.Id == wanted.Id);
        Assert.Equal(stored ? wanted.Id : null, Selected(SweepSelector.Select, sweeps, wanted.Id));
    });

    [Fact]
    public void Select_AnyText_IsTheIdOrTheLatestOfTheNameOrTheOnlyIdThatBeginsSo() =>
        Gen.Select(AnySweeps, AnySweep, Gen.Int[0, 8]).Sample((sweeps, sweep, length) =>
        {
            var text = sweep.Id[..Math.Min(length, sweep.Id.Length)];
            if (Selected(SweepSelector.Select, sweeps, text) is not { } id)
                return;
            var found = sweeps.Single(each => each.Id == id);
            Assert.NotEmpty(text);
            Assert.True(id == text
                || (found.Name == text && sweeps.Where(each => each.Name == text).Max(each => each.Number) == found.Number)
                || sweeps.Count(each => each.Id.StartsWith(text, StringComparison.Ordinal)) == 1);
        });

    [Fact]
    public void SelectById_AnyText_IsTheSweepWithThatIdOrNone() =>
        Gen.Select(AnySweeps, AnySweep, Gen.Int[0, 8]).Sample((sweeps, sweep, length) =>
        {
            var text = sweep.Id[..Math.Min(length, sweep.Id.Length)];
            var stored = sweeps.Any(each => each.Id == text);
            Assert.Equal(stored ? text : null, Selected(SweepSelector.SelectById, sweeps, text));
        });

    [Theory]
    [InlineData("")]
    [InlineData("depth-2")]
    [InlineData("digits-01")]
    [InlineData("digits-3")]
    public void Select_NothingIsMeant_IsNotFound(string text) =>
        Assert.Equal(3, Assert.Throws<UserException>(() => SweepSelector.Select(Sweeps, text)).ExitCode);

    [Fact]
    public void SelectById_Name_SaysThatAWholeIdIsNeeded()
    {
        var exception = Assert.Throws<UserException>(() => SweepSelector.SelectById(Sweeps, "digits"));

        Assert.Equal(3, exception.ExitCode);
        Assert.StartsWith("no sweep 'digits'. There are: digits-10, ", exception.Message, StringComparison.Ordinal);
        Assert.EndsWith("it takes a whole id, not a name or the beginning of an id.", exception.Message, StringComparison.Ordinal);
    }

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

    private static string? Selected(
        Func<ImmutableArray<SweepOverview>, string, SweepOverview> select, ImmutableArray<SweepOverview> sweeps, string text)
    {
        try
        {
            return select(sweeps, text).Id;
        }
        catch (UserException)
        {
            return null;
        }
    }

    private static SweepOverview Sweep(string name, int number) => new(
        $"{name}-{number}", name, number, SweepStatus.Running, DateTimeOffset.UnixEpoch, null, null, 0, 0,
        ImmutableDictionary<Outcome, int>.Empty);
}

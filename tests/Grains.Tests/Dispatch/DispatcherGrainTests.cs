using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class DispatcherGrainTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly DispatcherGrain _dispatcher;

    public DispatcherGrainTests() => _dispatcher = new(_time);

    [Fact]
    public async Task Next_NothingAnnounced_IsNull() => Assert.Null(await _dispatcher.Next(new("a", 0), 1));

    [Fact]
    public async Task Next_TwoSweepsFourSlots_SharesThemEvenly()
    {
        await _dispatcher.Announce("large-1", 1_000);
        await _dispatcher.Announce("small-1", 3);

        var given = new List<string>();
        for (var slot = 0; slot < 4; slot++)
            given.Add((await _dispatcher.Next(new("a", slot), 4))!.SweepId);

        Assert.Equal(2, given.Count(sweep => sweep == "large-1"));
        Assert.Equal(2, given.Count(sweep => sweep == "small-1"));
    }

    [Fact]
    public async Task Next_SlotThatAsksAgain_GivesUpItsOldShare()
    {
        await _dispatcher.Announce("a-1", 10);
        await _dispatcher.Next(new("silo", 0), 2);
        await _dispatcher.Next(new("silo", 1), 2);
        await _dispatcher.Announce("b-1", 10);

        Assert.Equal("b-1", (await _dispatcher.Next(new("silo", 0), 2))!.SweepId);
        Assert.Equal("a-1", (await _dispatcher.Next(new("silo", 1), 2))!.SweepId);
    }

    [Fact]
    public async Task Next_AfterNothingWaits_IsNull()
    {
        await _dispatcher.Announce("a-1", 10);
        await _dispatcher.Announce("a-1", 0);

        Assert.Null(await _dispatcher.Next(new("silo", 0), 1));
    }

    [Fact]
    public async Task Next_SweepNotAnnouncedAgain_IsForgotten()
    {
        await _dispatcher.Announce("a-1", 10);
        _time.Advance(DispatcherGrain.Forgetting + TimeSpan.FromSeconds(1));

        Assert.Null(await _dispatcher.Next(new("silo", 0), 1));
    }

    [Fact]
    public async Task Next_SweepWithNothingToGive_IsNotAskedEveryTime()
    {
        await _dispatcher.Announce("empty-1", 10);
        await _dispatcher.Announce("full-1", 10);

        var first = (await _dispatcher.Next(new("silo", 0), 1))!.SweepId;
        var second = (await _dispatcher.Next(new("silo", 0), 1))!.SweepId;

        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task Next_SilentSilo_NoLongerCounts()
    {
        await _dispatcher.Announce("a-1", 10);
        await _dispatcher.Next(new("gone", 0), 8);
        Assert.Equal(10, (await _dispatcher.Next(new("here", 0), 2))!.Slots);

        _time.Advance(DispatcherGrain.Forgetting + TimeSpan.FromSeconds(1));
        await _dispatcher.Announce("a-1", 10);

        Assert.Equal(2, (await _dispatcher.Next(new("here", 0), 2))!.Slots);
    }
}

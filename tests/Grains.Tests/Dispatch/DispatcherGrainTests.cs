using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Dispatch;
using Microsoft.Extensions.Time.Testing;

namespace DeepTrain.Cluster.Grains.Tests;

public sealed class DispatcherGrainTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly DispatcherGrain _dispatcher;

    public DispatcherGrainTests() => _dispatcher = new(_time);

    [Fact]
    public async Task Next_NothingAnnounced_IsNull() => Assert.Null(await _dispatcher.Next(new("a", 0), 1, "cpu", []));

    [Fact]
    public async Task Next_TwoSweepsFourSlots_SharesThemEvenly()
    {
        await AnnounceAsync("large-1", 1_000);
        await AnnounceAsync("small-1", 3);

        var given = new List<string>();
        for (var slot = 0; slot < 4; slot++)
            given.Add((await _dispatcher.Next(new("a", slot), 4, "cpu", []))!.SweepId);

        Assert.Equal(2, given.Count(sweep => sweep == "large-1"));
        Assert.Equal(2, given.Count(sweep => sweep == "small-1"));
    }

    [Fact]
    public async Task Next_SlotThatAsksAgain_GivesUpItsOldShare()
    {
        await AnnounceAsync("a-1", 10);
        await _dispatcher.Next(new("silo", 0), 2, "cpu", []);
        await _dispatcher.Next(new("silo", 1), 2, "cpu", []);
        await AnnounceAsync("b-1", 10);

        Assert.Equal("b-1", (await _dispatcher.Next(new("silo", 0), 2, "cpu", []))!.SweepId);
        Assert.Equal("a-1", (await _dispatcher.Next(new("silo", 1), 2, "cpu", []))!.SweepId);
    }

    [Fact]
    public async Task Next_AfterNothingWaits_IsNull()
    {
        await AnnounceAsync("a-1", 10);
        await AnnounceAsync("a-1", 0);

        Assert.Null(await _dispatcher.Next(new("silo", 0), 1, "cpu", []));
    }

    [Fact]
    public async Task Next_SweepHeldBack_GivesTheSlotToAnother()
    {
        await AnnounceAsync("urgent-1", 10, priority: 1);
        await AnnounceAsync("a-1", 10);

        Assert.Equal("a-1", (await _dispatcher.Next(new("silo", 0), 2, "cpu", ["urgent-1"]))!.SweepId);
        Assert.Equal("urgent-1", (await _dispatcher.Next(new("silo", 1), 2, "cpu", []))!.SweepId);
    }

    [Fact]
    public async Task Next_SweepNotAnnouncedAgain_IsForgotten()
    {
        await AnnounceAsync("a-1", 10);
        _time.Advance(DispatcherGrain.Forgetting + TimeSpan.FromSeconds(1));

        Assert.Null(await _dispatcher.Next(new("silo", 0), 1, "cpu", []));
    }

    [Fact]
    public async Task Next_SweepWithNothingToGive_IsNotAskedEveryTime()
    {
        await AnnounceAsync("empty-1", 10);
        await AnnounceAsync("full-1", 10);

        var first = (await _dispatcher.Next(new("silo", 0), 1, "cpu", []))!.SweepId;
        var second = (await _dispatcher.Next(new("silo", 0), 1, "cpu", []))!.SweepId;

        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task Next_SilentSilo_NoLongerCounts()
    {
        await AnnounceAsync("a-1", 10);
        await _dispatcher.Next(new("gone", 0), 8, "cpu", []);
        Assert.Equal(10, (await _dispatcher.Next(new("here", 0), 2, "cpu", []))!.Slots);

        _time.Advance(DispatcherGrain.Forgetting + TimeSpan.FromSeconds(1));
        await AnnounceAsync("a-1", 10);

        Assert.Equal(2, (await _dispatcher.Next(new("here", 0), 2, "cpu", []))!.Slots);
    }

    [Fact]
    public async Task Next_HigherPriority_IsServedFirst()
    {
        await AnnounceAsync("a-1", 10);
        await AnnounceAsync("urgent-1", 10, priority: 5);

        for (var slot = 0; slot < 3; slot++)
            Assert.Equal("urgent-1", (await _dispatcher.Next(new("silo", slot), 3, "cpu", []))!.SweepId);
    }

    [Fact]
    public async Task Next_SweepAtItsMostSlots_IsPassedOver()
    {
        await AnnounceAsync("urgent-1", 10, priority: 5, maxSlots: 1);
        await AnnounceAsync("a-1", 10);

        var given = new List<string>();
        for (var slot = 0; slot < 3; slot++)
            given.Add((await _dispatcher.Next(new("silo", slot), 3, "cpu", []))!.SweepId);

        Assert.Equal(["urgent-1", "a-1", "a-1"], given);
    }

    [Fact]
    public async Task Share_AnotherSweepWaitsInVain_GivesUpOneSlotAtATimeUntilItIsFair()
    {
        await OccupyAsync("long-1", slots: 4);
        await AnnounceAsync("new-1", 10);
        Assert.Empty(await ShareAsync("long-1", 4));

        _time.Advance(DispatcherGrain.Quantum);
        Assert.Single(await ShareAsync("long-1", 4));
        Assert.Equal(2, (await ShareAsync("long-1", 4)).Count);
        Assert.Equal(2, (await ShareAsync("long-1", 4)).Count);
        foreach (var slot in await ShareAsync("long-1", 4))
            Assert.Equal("new-1", (await _dispatcher.Next(slot, 4, "cpu", []))!.SweepId);
    }

    [Fact]
    public async Task Share_OneSlot_IsTakenInTurns()
    {
        await OccupyAsync("long-1", slots: 1);
        await AnnounceAsync("new-1", 10);
        _time.Advance(DispatcherGrain.Quantum);
        var slot = Assert.Single(await ShareAsync("long-1", 1));

        Assert.Equal("new-1", (await _dispatcher.Next(slot, 1, "cpu", []))!.SweepId);
        await AnnounceAsync("long-1", 10);
        Assert.Empty(await ShareAsync("new-1", 1));
        _time.Advance(DispatcherGrain.Quantum);
        Assert.Single(await ShareAsync("new-1", 1));
    }

    [Fact]
    public async Task Share_HigherPriorityWaits_GivesUpAll()
    {
        await OccupyAsync("long-1", slots: 2);
        await AnnounceAsync("urgent-1", 10, priority: 1);
        _time.Advance(DispatcherGrain.Quantum);

        await ShareAsync("long-1", 2);
        Assert.Equal(2, (await ShareAsync("long-1", 2)).Count);
    }

    [Fact]
    public async Task Share_LowerPriorityOrASlotFreeOrNobodyWaits_GivesUpNone()
    {
        await OccupyAsync("long-1", slots: 2);
        _time.Advance(DispatcherGrain.Quantum);
        Assert.Empty(await ShareAsync("long-1", 2));

        await AnnounceAsync("humble-1", 10, priority: -1);
        Assert.Empty(await ShareAsync("long-1", 2));

        await AnnounceAsync("humble-1", 0);
        await _dispatcher.Next(new("idle", 0), 1, "cpu", []);
        await AnnounceAsync("equal-1", 10);
        Assert.Empty(await ShareAsync("long-1", 2));
    }

    [Fact]
    public async Task Share_NoLongerWaited_TakesThePromiseBack()
    {
        await OccupyAsync("long-1", slots: 2);
        await AnnounceAsync("new-1", 10);
        _time.Advance(DispatcherGrain.Quantum);
        Assert.Single(await ShareAsync("long-1", 2));

        await AnnounceAsync("new-1", 0);
        Assert.Empty(await ShareAsync("long-1", 2));
    }

    [Fact]
    public async Task Share_AfterItsMemoryWasLost_LearnsWhoWorksForWhom()
    {
        await AnnounceAsync("new-1", 10);
        Assert.Empty(await ShareAsync("long-1", 3));
        _time.Advance(DispatcherGrain.Quantum);
        Assert.Single(await ShareAsync("long-1", 3));
    }

    [Fact]
    public async Task Next_SweepsOfTwoKindsOfDevices_GoToTheirOwn()
    {
        await AnnounceAsync("gpu-1", 10, priority: 1, device: "cuda");
        await AnnounceAsync("processor-1", 10, device: "cpu");
        await AnnounceAsync("any-1", 10, priority: -1);

        Assert.Equal("processor-1", (await _dispatcher.Next(new("silo", 0), 1, "cpu", []))!.SweepId);
        Assert.Equal("gpu-1", (await _dispatcher.Next(new("fast", 0), 1, "cuda", []))!.SweepId);
        await AnnounceAsync("gpu-1", 0);
        Assert.Equal("any-1", (await _dispatcher.Next(new("fast", 0), 1, "cuda", []))!.SweepId);
    }

    [Fact]
    public async Task Share_WaitsForAnotherKindOfDevices_GivesUpNone()
    {
        await OccupyAsync("long-1", slots: 2);
        await AnnounceAsync("gpu-1", 10, priority: 1, device: "cuda");
        _time.Advance(DispatcherGrain.Quantum);

        Assert.Empty(await ShareAsync("long-1", 2));
    }

    [Fact]
    public async Task Share_OnlySlotsOfAnotherKindAreFree_GivesUpOne()
    {
        await OccupyAsync("long-1", slots: 2);
        await AnnounceAsync("new-1", 10, device: "cpu");
        _time.Advance(DispatcherGrain.Quantum);
        Assert.Null(await _dispatcher.Next(new("fast", 0), 1, "cuda", []));

        Assert.Single(await ShareAsync("long-1", 2));
    }

    [Fact]
    public async Task Share_AfterItsMemoryWasLost_KnowsTheirKindOfDevices()
    {
        await AnnounceAsync("new-1", 10, device: "cuda");
        Assert.Empty(await ShareAsync("long-1", 2, "cuda"));
        _time.Advance(DispatcherGrain.Quantum);
        Assert.Single(await ShareAsync("long-1", 2, "cuda"));
    }

    [Fact]
    public async Task Share_AfterItsMemoryWasLost_CountsAllSlotsOfASilo()
    {
        await AnnounceAsync("new-1", 10);
        await ShareAsync("long-1", 4);

        Assert.Equal(5, (await _dispatcher.Next(new("other", 0), 1, "cpu", []))!.Slots);
    }

    [Fact]
    public async Task Next_OthersKeepEverySiloBusy_EmptiesOneForASuspect()
    {
        // Two silos of two slots, never both idle: one after the other ends a short cohort, and asks for the next.
        SlotId[] slots = [new("a", 0), new("b", 0), new("a", 1), new("b", 1)];
        await AnnounceAsync("busy-1", 1_000);
        var work = new Dictionary<SlotId, string?>();
        foreach (var slot in slots)
            work[slot] = (await _dispatcher.Next(slot, 2, "cpu", []))?.SweepId;
        Assert.All(work.Values, sweep => Assert.Equal("busy-1", sweep));

        for (var second = 0; second < 120; second++)
        {
            await AnnounceAsync("busy-1", 1_000);
            await AnnounceAsync("suspect-1", 1, needsEmptySilo: true);
            if (second % 4 == 0)
                work[slots[second / 4 % slots.Length]] = null;
            foreach (var slot in slots.Where(slot => work[slot] is null))
            {
                var next = await NextAsync(slot);
                if (next == "suspect-1" && slots.All(other => other.Silo != slot.Silo || work[other] is null))
                    return;
                // The store holds a suspect back from a silo that trains something, and the slot asks for something else.
                work[slot] = next == "suspect-1" ? await NextAsync(slot, "suspect-1") : next;
            }
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Fail("In two minutes no silo was empty for the suspect.");

        async Task<string?> NextAsync(SlotId slot, params ImmutableArray<string> except) => (await _dispatcher.Next(slot, 2, "cpu", except))?.SweepId;
    }

    [Fact]
    public async Task Share_SuspectWaitsForASilo_WantsItsSlotsBackAndGivesThemNothingElse()
    {
        await OccupyAsync("long-1", slots: 2);
        await AnnounceAsync("suspect-1", 1, needsEmptySilo: true);
        Assert.Empty(await ShareAsync("long-1", 2));
        _time.Advance(DispatcherGrain.Quantum);
        await AnnounceAsync("long-1", 10);
        await AnnounceAsync("urgent-1", 10, priority: 1);

        Assert.Equal(2, (await ShareAsync("long-1", 2)).Count);
        // What is more urgent does not wait for a suspect.
        Assert.Equal("urgent-1", (await _dispatcher.Next(new("silo", 0), 2, "cpu", []))!.SweepId);
        await AnnounceAsync("urgent-1", 0);
        Assert.Null(await _dispatcher.Next(new("silo", 0), 2, "cpu", []));
        Assert.Equal("suspect-1", (await _dispatcher.Next(new("silo", 1), 2, "cpu", []))!.SweepId);
        Assert.Null(await _dispatcher.Next(new("silo", 0), 2, "cpu", []));

        await AnnounceAsync("suspect-1", 0);
        Assert.Equal("long-1", (await _dispatcher.Next(new("silo", 0), 2, "cpu", []))!.SweepId);
    }

    [Fact]
    public async Task Share_SuspectOfALowerPriorityWaits_GivesUpNone()
    {
        await OccupyAsync("long-1", slots: 2);
        await AnnounceAsync("suspect-1", 1, priority: -1, needsEmptySilo: true);
        _time.Advance(DispatcherGrain.Quantum);

        Assert.Empty(await ShareAsync("long-1", 2));
    }

    [Fact]
    public async Task Share_OneOfTwoSilosIsEmptiedForASuspect_LeavesTheOtherAlone()
    {
        await AnnounceAsync("long-1", 10);
        SlotId[] slots = [new("a", 0), new("a", 1), new("b", 0), new("b", 1)];
        foreach (var slot in slots)
            await _dispatcher.Next(slot, 2, "cpu", []);
        await AnnounceAsync("suspect-1", 1, needsEmptySilo: true);
        _time.Advance(DispatcherGrain.Quantum);

        Assert.True((await _dispatcher.Share("long-1", 0, "cpu", [.. slots])).SetEquals(slots[..2]));
    }

    [Fact]
    public async Task Share_SuspectsOwnSweepTrainsOnTheOnlySilo_LeavesOtherSlotsToOthers()
    {
        await AnnounceAsync("mixed-1", 10);
        Assert.Equal("mixed-1", (await _dispatcher.Next(new("silo", 0), 2, "cpu", []))!.SweepId);
        await AnnounceAsync("mixed-1", 1, needsEmptySilo: true);
        await ShareAsync("mixed-1", 1);
        _time.Advance(DispatcherGrain.Quantum);
        await AnnounceAsync("mixed-1", 1, needsEmptySilo: true);
        await AnnounceAsync("other-1", 10);
        await ShareAsync("mixed-1", 1);

        // A long cohort of the suspect's own sweep is not asked back, so that the silo would stand still until it ends.
        Assert.Equal("other-1", (await _dispatcher.Next(new("silo", 1), 2, "cpu", ["mixed-1"]))?.SweepId);
    }

    private async Task OccupyAsync(string sweep, int slots)
    {
        await AnnounceAsync(sweep, 100);
        for (var slot = 0; slot < slots; slot++)
            await _dispatcher.Next(new("silo", slot), slots, "cpu", []);
        await AnnounceAsync(sweep, 0);
    }

    private Task AnnounceAsync(
        string sweep, int waiting, int priority = 0, int? maxSlots = null, string? device = null, bool needsEmptySilo = false) =>
        _dispatcher.Announce(sweep, new(waiting, priority, maxSlots, device, needsEmptySilo));

    private Task<ImmutableHashSet<SlotId>> ShareAsync(string sweep, int slots, string? device = "cpu") =>
        _dispatcher.Share(sweep, 0, device, [.. Enumerable.Range(0, slots).Select(slot => new SlotId("silo", slot))]);
}

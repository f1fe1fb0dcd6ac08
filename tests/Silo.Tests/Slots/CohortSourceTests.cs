using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Dispatch;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Silo.Slots;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class CohortSourceTests : IDisposable
{
    private const string SweepId = "digits-1";

    private static readonly LeaseReply Nothing = new([], [], KeepModels: false, Objective: null);
    private static readonly Configuration Shape = Sample.Cell(0.1, 32).Configuration;
    private static readonly LeasedTrial[] Leased =
        [.. Enumerable.Range(1, 3).Select(replicate => new LeasedTrial(new(SweepId, Shape.CellId, replicate), Fence: 7, Attempt: 1, Shape.Json))];

    private readonly SlotParts _parts = new();
    private readonly ScriptedTrainer _trainer = new();
    private readonly FakeLogger<CohortSource> _log = new();
    private readonly List<LeaseRequest> _requests = [];
    private readonly CohortSource _source;

    public CohortSourceTests()
    {
        var renewer = new LeaseRenewer(_parts.Grains.Factory, new(), _parts.Metrics, _parts.Time, new FakeLogger<LeaseRenewer>());
        _source = new(new(new("silo", 0), 1, Sample.Provenance), new(_trainer, new FakeLogger<KnownCohortSizes>()), _parts.Grains.Factory, renewer, _parts.Time, _log);
        _parts.Grains
            .On("Dispatcher.Next", (_, arguments) => Task.FromResult(
                ((ImmutableArray<string>)arguments[3]!).Contains(SweepId) ? null : new Assignment(SweepId, 1)))
            .On("Trial.Admit", (_, _) => Task.FromResult(true));
    }

    public void Dispose() => _parts.Dispose();

    [Fact]
    public async Task NextAsync_CoordinatorRepeatsWhatItWasTold_AsksOnceMoreAndLeavesTheSweepOutForAMinute()
    {
        Lease(_ => _requests.Count < 20
            ? Nothing with { Unsized = [Shape.Json], UnsizedKeys = ["of another version"] }
            : throw new InvalidOperationException("It was asked again without end."));

        Assert.Null(await NextAsync());
        Assert.Equal(2, _requests.Count);
        Assert.Null(await NextAsync());
        Assert.Equal(2, _requests.Count);
        _parts.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await NextAsync());
        Assert.Equal(4, _requests.Count);

        var told = Assert.Single(_log.Collector.GetSnapshot());
        Assert.Equal(LogLevel.Error, told.Level);
        Assert.Contains(SweepId, told.Message, StringComparison.Ordinal);
        Assert.Contains("different versions; update both", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NextAsync_CoordinatorKnowsTheShapeByAnotherKey_IsToldTheSizeUnderItsKey()
    {
        Lease(request => request.CohortSizes.ContainsKey("of another version")
            ? Nothing with { Trials = [Leased[0]] }
            : Nothing with { Unsized = [Shape.Json], UnsizedKeys = ["of another version"] });

        Assert.NotNull(await NextAsync());

        Assert.Equal(6, Assert.Single(_requests[1].CohortSizes).Value);
        Assert.Equal(_requests[0].Lease, _requests[1].Lease);
        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Fact]
    public async Task NextAsync_CoordinatorOfAnEarlierVersion_IsToldTheSizeUnderTheKeyOfTheConfiguration()
    {
        Lease(request => request.CohortSizes.ContainsKey(Shape.FusionKey)
            ? Nothing with { Trials = [Leased[0]] }
            : Nothing with { Unsized = [Shape.Json], UnsizedKeys = default });

        Assert.NotNull(await NextAsync());
    }

    [Fact]
    public async Task NextAsync_SweepGetsNewShapesBetweenTwoRequests_IsAskedAgainWithoutDelay()
    {
        Lease(request => Nothing with { Unsized = [Shape.Json], UnsizedKeys = [$"{request.CohortSizes.Count}"] });

        Assert.Null(await NextAsync());
        Assert.Null(await NextAsync());

        Assert.Equal(4, _requests.Count);
        Assert.Empty(_log.Collector.GetSnapshot());
    }

    [Fact]
    public async Task NextAsync_StoppingMeanwhile_SendsNoFurtherRequest()
    {
        using var stopping = new CancellationTokenSource();
        Lease(_ =>
        {
            stopping.Cancel();
            return Nothing with { Unsized = [Shape.Json], UnsizedKeys = [Shape.FusionKey] };
        });

        Assert.Null(await _source.NextAsync(stopping.Token));

        Assert.Single(_requests);
    }

    [Fact]
    public async Task NextAsync_AnswerLost_IsAskedForAgainUnderTheSameLease()
    {
        Lease(_ => _requests.Count < 3 ? throw new TimeoutException() : Nothing with { Trials = [Leased[0]] });

        var cohort = await NextAsync();

        Assert.Equal(3, _requests.Count);
        Assert.All(_requests, request => Assert.Equal(cohort!.Lease.Id, request.Lease));
    }

    [Fact]
    public async Task NextAsync_TrialHeldUnderALaterFence_IsGivenBack()
    {
        var released = new List<TrialId>();
        Lease(_ => Nothing with { Trials = [.. Leased] });
        _parts.Grains
            .On("Trial.Admit", (key, _) => Task.FromResult(key != $"{Leased[1].Trial}"))
            .On("Sweep.Release", (_, arguments) =>
            {
                released.AddRange((ImmutableArray<TrialId>)arguments[1]!);
                return Task.CompletedTask;
            });

        var cohort = await NextAsync();

        Assert.Equal([Leased[0], Leased[2]], cohort!.Trials.AsEnumerable());
        Assert.Equal([Leased[1].Trial], released);
    }

    [Fact]
    public async Task NextAsync_GrainOfASilentSilo_DoesNotKeepTheTrialFromBeingTrained()
    {
        Lease(_ => Nothing with { Trials = [Leased[0]] });
        _parts.Grains.On("Trial.Admit", (_, _) => new TaskCompletionSource<bool>().Task);

        var next = NextAsync();
        await _parts.AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => next.IsCompleted, "the slot to wait no longer for the grain");

        Assert.Equal([Leased[0]], (await next)!.Trials.AsEnumerable());
    }

    [Fact]
    public async Task NextAsync_HeldBack_LeavesTheSweepOutForASecond()
    {
        Lease(_ => Nothing with { HeldBack = true });

        Assert.Null(await NextAsync());
        Assert.Null(await NextAsync());
        Assert.Single(_requests);

        _parts.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await NextAsync());
        Assert.Equal(2, _requests.Count);
    }

    private Task<LeasedCohort?> NextAsync() => _source.NextAsync(CancellationToken.None);

    private void Lease(Func<LeaseRequest, LeaseReply> answer) => _parts.Grains.On("Sweep.Lease", (_, arguments) =>
    {
        _requests.Add((LeaseRequest)arguments[0]!);
        return Task.FromResult(answer(_requests[^1]));
    });
}

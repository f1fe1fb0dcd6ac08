using DeepTrain.Cluster.Sweeps;
using Orleans.Placement;

namespace DeepTrain.Cluster.Grains;

/// <remarks>
/// Lives on the silo whose slot trains the trial, from its admission to its durable outcome. It holds nothing that the store does not
/// get: an activation that is lost takes a curve's view with it and no result.
/// </remarks>
[PreferLocalPlacement, Immovable]
[GrainType(TrialGrains.Type)]
internal sealed class TrialGrain(ILocalSiloDetails silo, StopRequests stops) : Grain, ITrialGrain
{
    private readonly List<EpochReport> _curve = [];
    private TrialState _state;
    private Ticket? _ticket;
    private TrialId _id;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = TrialId.Parse(this.GetPrimaryKeyString());
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        stops.Clear(_id);
        return Task.CompletedTask;
    }

    public Task<bool> Admit(Ticket ticket)
    {
        // A stale activation elsewhere can get the call: it must make room for one beside the slot.
        if (ticket.Slot.Silo != silo.SiloAddress.ToParsableString())
        {
            DeactivateOnIdle();
            return Task.FromResult(false);
        }
        if (_ticket is { } current && current.Fence > ticket.Fence)
            return Task.FromResult(false);
        if (_ticket != ticket)
        {
            _ticket = ticket;
            _state = TrialState.Training;
            _curve.Clear();
            // An epoch may take longer than an idle grain may live.
            DelayDeactivation(Timeout.InfiniteTimeSpan);
        }
        return Task.FromResult(true);
    }

    public Task Observe(FencedReport report)
    {
        if (_ticket?.Fence != report.Fence)
            return Task.CompletedTask;
        // A cohort that failed together is trained again one by one, from the first epoch.
        _curve.RemoveAll(seen => seen.Epoch >= report.Report.Epoch);
        _curve.Add(report.Report);
        if (report.Report.Ending is not null)
            _state = TrialState.Ending;
        return Task.CompletedTask;
    }

    public Task Settle(long fence)
    {
        if (_ticket?.Fence == fence)
        {
            _state = TrialState.Idle;
            _ticket = null;
            DelayDeactivation(TimeSpan.Zero);
            DeactivateOnIdle();
        }
        return Task.CompletedTask;
    }

    public Task<bool> Stop()
    {
        if (_state is not TrialState.Training)
            return Task.FromResult(false);
        stops.Set(_id, _ticket!.Fence);
        return Task.FromResult(true);
    }

    public Task<TrialView> Inspect() => Task.FromResult(new TrialView(
        _state, _ticket, [.. _curve], _ticket is { } ticket && stops.IsSet(_id, ticket.Fence)));
}

using DeepTrain.Cluster.Sweeps.Trials;
using Orleans.Placement;

namespace DeepTrain.Cluster.Grains.Trials;

/// <remarks>
/// Lives on the silo whose slot trains the trial, from its admission to its durable outcome. It holds a ticket, and asks what that silo
/// knows of the trial: an activation that is lost takes no result with it.
/// </remarks>
[PreferLocalPlacement, Immovable]
[GrainType(TrialGrains.Type)]
internal sealed class TrialGrain(ILocalSiloDetails silo, TrialsInTraining training) : Grain, ITrialGrain
{
    private Ticket? _ticket;
    private TrialId _id;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = TrialId.Parse(this.GetPrimaryKeyString());
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
            // An epoch may take longer than an idle grain may live.
            DelayDeactivation(Timeout.InfiniteTimeSpan);
        }
        return Task.FromResult(true);
    }

    public Task Settle(long fence)
    {
        if (_ticket?.Fence == fence)
        {
            _ticket = null;
            DelayDeactivation(TimeSpan.Zero);
            DeactivateOnIdle();
        }
        return Task.CompletedTask;
    }

    public Task<bool> Stop()
    {
        LeaveIfIdle();
        return Task.FromResult(_ticket is { } ticket && training.Stop(_id, ticket.Fence));
    }

    public Task<TrialView> Inspect()
    {
        LeaveIfIdle();
        if (_ticket is not { } ticket)
            return Task.FromResult(new TrialView(TrialState.Idle, null, null, StopRequested: false));
        var last = training.LastReport(_id, ticket.Fence);
        return Task.FromResult(new TrialView(
            last?.Ending is null ? TrialState.Training : TrialState.Ending, ticket, last, training.IsStopWanted(_id, ticket.Fence)));
    }

    /// <summary>A question about a trial that nobody trains must not keep a place on a silo that may not be its slot's.</summary>
    private void LeaveIfIdle()
    {
        if (_ticket is null)
            DeactivateOnIdle();
    }
}

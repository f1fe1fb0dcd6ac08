using DeepTrain.Cluster.Sweeps.Trials;
using Orleans.Placement;

namespace DeepTrain.Cluster.Grains.Trials;

/// <remarks>
/// Lives on the silo whose slot trains the trial, from admission to the durable outcome. It holds only a ticket and reads the trial's
/// state from that silo, so losing an activation loses no result.
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
        // The call may reach a stale activation on another silo, which must make room for one on the slot's silo.
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
            // An epoch may take longer than Orleans keeps an idle grain.
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

    /// <summary>Deactivates the grain if its trial is not in training: it may be on another silo than the trial's next slot.</summary>
    private void LeaveIfIdle()
    {
        if (_ticket is null)
            DeactivateOnIdle();
    }
}

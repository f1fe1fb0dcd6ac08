using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Monitoring;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Slots;

/// <param name="Count">How many slots this silo has.</param>
/// <param name="CheckpointInterval">A run is saved at the first end of an epoch this long after its last save.</param>
/// <param name="EpochPatience">How long an epoch may still take when the silo is asked to end, before it is aborted.</param>
public sealed record SlotSettings(int Count, TimeSpan CheckpointInterval, TimeSpan EpochPatience)
{
    /// <summary>The same for runs that can be saved within an epoch, so that aborting loses no more than this epoch.</summary>
    public TimeSpan SavableEpochPatience { get; init; } = TimeSpan.FromSeconds(Math.Min(5, EpochPatience.TotalSeconds / 2));
}

/// <summary>Starts the silo's slots, each on its own thread, and ends them before the silo stops.</summary>
internal sealed class SlotHost(
    IServiceProvider services, SlotSettings settings, SlotTrainers trainers, ClusterMetrics metrics, TimeProvider time, ILogger<Slot> log)
    : IHostedService, IDisposable
{
    private readonly Provenance _worker = services.GetRequiredService<Provenance>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _breakingSavable = new();
    private readonly CancellationTokenSource _breaking = new();
    private readonly List<Task> _running = [];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var silence = new OutageLog("No coordinator gives this silo's slots anything to train.", LogLevel.Warning, log, time);
        var silo = services.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToParsableString();
        for (var number = 0; number < settings.Count; number++)
        {
            var trainer = trainers.Of(number);
            var sizes = ActivatorUtilities.CreateInstance<KnownCohortSizes>(services, trainer);
            var source = ActivatorUtilities.CreateInstance<CohortSource>(
                services, new SlotIdentity(new(silo, number), settings.Count, _worker), sizes);
            var runner = ActivatorUtilities.CreateInstance<CohortRunner>(services, trainer, sizes);
            var slot = new Slot(source, runner, metrics, silence, time, log);
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            SlotThread.Start($"slot-{number}", () =>
            {
                slot.Run(new(_stopping.Token, _breakingSavable.Token, _breaking.Token));
                ended.SetResult();
            });
            _running.Add(ended.Task);
        }
        metrics.SlotsChanged(settings.Count, _worker.Device);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        using var first = time.CreateTimer(_ => _breakingSavable.Cancel(), null, settings.SavableEpochPatience, Timeout.InfiniteTimeSpan);
        using var second = time.CreateTimer(_ => _breaking.Cancel(), null, settings.EpochPatience, Timeout.InfiniteTimeSpan);
        await Task.WhenAll(_running).WaitAsync(cancellationToken);
        metrics.SlotsChanged(-settings.Count, _worker.Device);
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _breakingSavable.Dispose();
        _breaking.Dispose();
    }
}

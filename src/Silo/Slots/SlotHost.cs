using DeepTrain.Cluster.Grains;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo;

/// <param name="Count">How many slots this silo has.</param>
/// <param name="CheckpointInterval">A run is saved at the first end of an epoch that comes so long after it was saved last.</param>
/// <param name="EpochPatience">How long an epoch may still take when the silo is asked to end; then it is broken off.</param>
public sealed record SlotSettings(int Count, TimeSpan CheckpointInterval, TimeSpan EpochPatience);

/// <summary>Starts the silo's slots, a thread each, and ends them before the silo goes.</summary>
internal sealed class SlotHost(
    SlotSettings settings, Provenance worker, SlotTrainers trainers, ResultWriter writer, LeaseRenewer renewer, StopRequests stops, IGrainFactory grains,
    ILocalSiloDetails silo, ClusterMetrics metrics, DataFolder folder, LeaseTimes times, TimeProvider time, ILogger<Slot> log) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _breaking = new();
    private readonly List<Task> _running = [];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var silence = new OutageLog("No coordinator gives this silo's slots anything to train.", LogLevel.Warning, log, time);
        for (var number = 0; number < settings.Count; number++)
        {
            var trainer = trainers.Of(number);
            var source = new CohortSource(
                new(silo.SiloAddress.ToParsableString(), number), settings.Count, worker, trainer, grains, renewer, times, time);
            var slot = new Slot(source, trainer, writer, renewer, stops, grains, metrics, settings, folder, silence, time, log);
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            SlotThread.Start($"slot-{number}", () =>
            {
                slot.Run(_stopping.Token, _breaking.Token);
                ended.SetResult();
            });
            _running.Add(ended.Task);
        }
        metrics.SlotsChanged(settings.Count, worker.Device);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        using var timer = time.CreateTimer(_ => _breaking.Cancel(), null, settings.EpochPatience, Timeout.InfiniteTimeSpan);
        await Task.WhenAll(_running).WaitAsync(cancellationToken);
        metrics.SlotsChanged(-settings.Count, worker.Device);
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _breaking.Dispose();
    }
}

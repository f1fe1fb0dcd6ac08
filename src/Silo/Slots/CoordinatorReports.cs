using System.Threading.Channels;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Grains.Trials;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Sweeps.Results;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>Reports durably ended trials to their coordinators, repeatedly until they acknowledge it.</summary>
/// <remarks>Reports lost with this process do no harm: the coordinator recounts from the store.</remarks>
internal sealed class CoordinatorReports(IGrainFactory grains, TimeProvider time, ILogger<CoordinatorReports> log) : BackgroundService
{
    /// <summary>If this many endings are unacknowledged, the rest waits; the coordinator recounts eventually.</summary>
    private const int LargestRound = 20_000;

    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly Channel<TrialEnding> _queue =
        Channel.CreateUnbounded<TrialEnding>(new UnboundedChannelOptions { SingleReader = true });

    private readonly OutageLog _outage = new("Coordinators do not acknowledge what has ended here.", LogLevel.Warning, log, time);

    /// <summary>Takes durable reports; those of epochs that do not end their trial are left out.</summary>
    public void Post(IEnumerable<FencedReport> durable)
    {
        foreach (var ending in durable.Select(TrialEnding.Of).OfType<TrialEnding>())
            _queue.Writer.TryWrite(ending);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var unacknowledged = new List<TrialEnding>();
        while (unacknowledged.Count > 0 || await _queue.Reader.WaitToReadAsync(stoppingToken))
        {
            while (unacknowledged.Count < LargestRound && _queue.Reader.TryRead(out var ending))
                unacknowledged.Add(ending);
            var answers = await Task.WhenAll(unacknowledged.GroupBy(ending => ending.Trial.Sweep)
                .Select(async sweep => (Endings: sweep, Acknowledged: await ReportAsync(sweep.Key, [.. sweep]))));
            unacknowledged = [.. answers.Where(answer => !answer.Acknowledged).SelectMany(answer => answer.Endings)];
            if (unacknowledged.Count == 0)
                _outage.Succeeded();
            else
                await Task.Delay(RetryPause, time, stoppingToken);
        }
    }

    private async Task<bool> ReportAsync(string sweepId, List<TrialEnding> durable)
    {
        try
        {
            // A coordinator that hangs must not block the others.
            await grains.Sweep(sweepId).Report([.. durable]).WaitAsync(AnswerTime, time);
            return true;
        }
        catch (Exception exception)
        {
            _outage.Failed(exception, sweepId);
            return false;
        }
    }
}

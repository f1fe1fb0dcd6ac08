using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>How a silo of a test's cluster differs from the others.</summary>
internal sealed record SiloSetup(string Role = "both")
{
    public int Slots { get; init; } = 1;

    /// <summary>Where it finds PostgreSQL instead of at its own port: behind a proxy.</summary>
    public int? PostgresPort { get; init; }

    /// <summary>As a pod it has one of its own; all of 127.0.0.0/8 is the loopback.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>More of its environment.</summary>
    public Dictionary<string, string> Environment { get; init; } = [];
}

/// <summary>
/// A silo's place in a cluster: its ports, its settings, and the process that fills it now. A process that has ended can be started
/// again there, as Kubernetes would.
/// </summary>
internal sealed class SiloProcess(string name, string folder, string address, Dictionary<string, string> environment) : IDisposable
{
    private const int LongLine = 240;

    /// <summary>Then a silo counts as one that does not answer.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(2);

    private static readonly HttpClient Http = new();

    private readonly int _port = LoopbackPort.Free();
    private readonly int _gatewayPort = LoopbackPort.Free();
    private readonly int _metricsPort = LoopbackPort.Free();
    private readonly StringBuilder _saidBefore = new();
    private DeepTrainProcess? _process;
    private DateTimeOffset _started;

    public string Name => name;

    /// <summary>Where it serves metrics and health: host and port.</summary>
    public string Monitoring => $"{address}:{_metricsPort}";

    /// <summary>How often it was started.</summary>
    public int Starts { get; private set; }

    public bool IsFrozen { get; private set; }

    public bool HasExited => Process.HasExited;

    /// <summary>It said so, and has neither ended nor been stopped since.</summary>
    public bool IsActive => _process is { HasExited: false } && !IsFrozen && HasSaidSo;

    /// <summary>What it wrote, long lines cut, without the warnings of Orleans.</summary>
    public string Errors => $"--- {name} (started {Starts} times){Environment.NewLine}" + string.Join(Environment.NewLine,
        (_process?.Errors ?? "").Split(Environment.NewLine).Where(line => !line.Contains(" warn: Orleans.", StringComparison.Ordinal)).Select(line => line.Length > LongLine ? $"{line.AsSpan(0, LongLine)} ..." : line));

    /// <summary>All that was written by whoever filled this place.</summary>
    public string Said => $"{_saidBefore}{_process?.Said}";

    public DeepTrainProcess Process => _process ?? throw new InvalidOperationException($"{name} was never started.");

    private bool HasSaidSo => Process.Errors.Contains(" is active at ", StringComparison.Ordinal);

    /// <summary>Whether the store means this place when it names a silo.</summary>
    public bool IsNamedBy(string silo) => Regex.IsMatch(silo, $@"\b{_port}\b");

    /// <summary>Whether the process that is here now was granted a lease, and not one before it.</summary>
    public bool Holds(OpenLease lease) => IsNamedBy(lease.Silo) && lease.Granted >= _started;

    public void Start()
    {
        _process?.Dispose();
        _saidBefore.Append(_process?.Said);
        IsFrozen = false;
        Starts++;
        _started = TimeProvider.System.GetUtcNow();
        _process = DeepTrainProcess.Start(DeepTrainProcess.SiloProgram, folder, ["run"], new(environment)
        {
            ["DEEPTRAIN_SILO_NAME"] = name,
            ["DEEPTRAIN_ADDRESS"] = address,
            ["DEEPTRAIN_SILO_PORT"] = $"{_port}",
            ["DEEPTRAIN_GATEWAY_PORT"] = $"{_gatewayPort}",
            ["DEEPTRAIN_METRICS_PORT"] = $"{_metricsPort}",
        });
    }

    public Task ActiveAsync() => Eventually.True(() => HasSaidSo, $"{name} to say that it is active", Process);

    public void Kill() => Process.Kill();

    public void Freeze()
    {
        Process.Freeze();
        IsFrozen = true;
    }

    public void Thaw()
    {
        IsFrozen = false;
        Process.Thaw();
    }

    public void Terminate() => Process.SendTerminate();

    /// <summary>All that it says of itself to Prometheus.</summary>
    public Task<string> ScrapeAsync(CancellationToken cancellation = default) => Http.GetStringAsync(new Uri($"http://{Monitoring}/metrics"), cancellation);

    /// <summary>The sum over a metric's series; null: the silo does not answer, or has no such metric.</summary>
    public async Task<double?> MetricAsync(string metric)
    {
        string text;
        using var patience = new CancellationTokenSource(AnswerTime);
        try
        {
            text = await ScrapeAsync(patience.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
        var values = text.Split('\n')
            .Where(line => Regex.IsMatch(line, $@"^{metric}(_[a-z]+)?(\{{|\s)"))
            .Select(line => double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ', 2)[^1].Split(' ')[0], CultureInfo.InvariantCulture))
            .ToList();
        return values.Count == 0 ? null : values.Sum();
    }

    /// <summary>What it says of its health; null: it does not answer.</summary>
    /// <param name="probe">startup, ready or live.</param>
    public async Task<HttpStatusCode?> HealthAsync(string probe)
    {
        using var patience = new CancellationTokenSource(AnswerTime);
        try
        {
            using var answer = await Http.GetAsync(new Uri($"http://{Monitoring}/health/{probe}"), patience.Token);
            return answer.StatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    public void Dispose() => _process?.Dispose();
}

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

public sealed class MetricsTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Metrics_DuringARun_ShowTheSweep()
    {
        var port = LoopbackPort.Free();
        var file = _workplace.Write(new("seen") { Epochs = [1, SweepText.Endless], Activations = ["tanh"], Replicates = 1 });
        var process = _workplace.Start("run", file, "--slots", "2", "--metrics-port", $"{port}");
        await Eventually.True(() => _workplace.Store.Ended("seen-1") == 1, "the quick trial to end", process);

        using var http = new HttpClient();
        var address = new Uri($"http://127.0.0.1:{port}/metrics");
        var text = await Eventually.Get(async () =>
        {
            var seen = await http.GetStringAsync(address);
            return Value(seen, "deeptrain_sweep_trials", "completed") == 1 && Value(seen, "deeptrain_sweep_trials_running") == 1 ? seen : null;
        }, "one trial completed and one running", () => process.Errors);

        Assert.Equal(1, Value(text, "deeptrain_trials_ended_total", "completed"));
        Assert.Equal(0, Value(text, "deeptrain_sweep_trials_waiting"));
        Assert.InRange(Value(text, "deeptrain_trial_steps_total") ?? 0, 30, double.MaxValue);
        Assert.Equal(2, Value(text, "deeptrain_slots"));
        Assert.Equal(1, Value(text, "deeptrain_slots_busy"));
        Assert.InRange(Value(text, "deeptrain_sweep_objective_best") ?? -1, 0.05, 1);
    }

    [Fact]
    public async Task Metrics_PortTaken_WarnsAndRunsAllTheSame()
    {
        using var occupant = new TcpListener(IPAddress.Loopback, 0);
        occupant.Start();
        var port = ((IPEndPoint)occupant.LocalEndpoint).Port;

        (await _workplace.Tell("run", _workplace.Write(new("taken")), "--metrics-port", $"{port}")).Expect(0)
            .ExpectInErrors($"warning: /metrics and /health cannot be served at 127.0.0.1:{port}: ");

        Assert.Equal("Finished", _workplace.Store.Status("taken-1"));
    }

    /// <summary>The one series of a name, whatever the exporter adds to names (units) and series (labels of its own).</summary>
    private static double? Value(string text, string name, string? outcome = null)
    {
        var lines = text.Split('\n').Where(line => Regex.IsMatch(line, $@"^{name}(_trial|_slot|_step|_ratio)?(\{{|\s)")
            && (outcome is null || line.Contains($"outcome=\"{outcome}\"", StringComparison.Ordinal))).ToList();
        return lines.Count == 0 ? null : double.Parse(Assert.Single(lines).Split(' ')[1], CultureInfo.InvariantCulture);
    }
}

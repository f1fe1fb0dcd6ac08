using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Deploy.Tests;
using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>What engineers see of a cluster, through a real Prometheus that scrapes real silos with the project's own rules.</summary>
public sealed class MonitoringTests(ITestOutputHelper output)
{
    private static readonly string Deploy = Repository.PathOf("deploy");

    /// <summary>Trials that end quickly beside some that do not end while a test watches.</summary>
    private static readonly SweepText Watched = new("watched") { Epochs = [2, SweepText.Endless], BatchSize = 8 };

    [Fact]
    public async Task Prometheus_DuringASweep_HasAnAnswerToEveryQuery()
    {
        InstalledPrograms.Require("prometheus", package: "prometheus");
        await using var cluster = await TestCluster.StartAsync();
        cluster.Settings["DEEPTRAIN_CHECKPOINT_SECONDS"] = "1";
        cluster.Settings["DEEPTRAIN_LOG_FORMAT"] = "json";
        var silos = await cluster.AddAsync(new("coordinator"), new("worker") { Slots = 2 });
        await using var prometheus = await PrometheusServer.StartAsync(silos.Select(silo => silo.Monitoring));
        var sweep = await cluster.SubmitAsync(Watched);
        await cluster.Until(() => cluster.Store.Ended(sweep) == Watched.Trials / 2, "the quick trials to end");

        var queries = Queries.Whole(Deploy).Concat(Queries.OfAlerts(Deploy)).Select(query => query.For(sweep, "5s"))
            // Here are neither so many sweeps, nor one that nobody has trained yet: these rules have cases of their own.
            .Where(query => !Regex.IsMatch(query.Expression, "otel_metric_overflow|device=\"any\"")).Distinct().ToList();
        var unanswered = queries;
        await Eventually.True(async () =>
        {
            var answers = await Task.WhenAll(unanswered.Select(async query => (Query: query, Series: (await prometheus.QueryAsync(query.Expression)).Count)));
            unanswered = [.. answers.Where(answer => answer.Series == 0).Select(answer => answer.Query)];
            return unanswered.Count == 0;
        }, "an answer to every query", () => string.Join(Environment.NewLine, unanswered));
        output.WriteLine($"{queries.Count} queries of dashboards and rules are answered");

        var scrapes = await Task.WhenAll(silos.Select(silo => silo.ScrapeAsync()));
        await CheckAsync(string.Concat(scrapes));
        AssertHasAllThatIsAskedFor(scrapes, sweep);
        AssertLogsNameTheSweep(silos[0], sweep);
    }

    [Fact]
    public async Task Coordinator_Replaced_DoublesNothingAndResetsNothing()
    {
        InstalledPrograms.Require("prometheus", package: "prometheus");
        await using var cluster = await TestCluster.StartAsync();
        var silos = await cluster.AddAsync(new("coordinator"), new("coordinator"), new("worker") { Slots = 4 });
        await using var prometheus = await PrometheusServer.StartAsync(silos.Select(silo => silo.Monitoring));
        var sweep = await cluster.SubmitAsync(new("moved")
        {
            Activations = ["tanh", "relu"], Epochs = [1], Replicates = 60, More = "trainer: { simulate: { seconds: 1, accuracy: 0.9, cohort: 1 } }",
        });
        // However many coordinators show the sweep.
        const string Ended = "sum without (outcome) (max without (instance) (deeptrain_sweep_trials))";
        await Eventually.True(async () => await prometheus.QueryAsync($"{Ended} > 4") is [_],
            "trials that Prometheus has seen end", cluster.Explain);

        (await cluster.CoordinatorAsync()).Terminate();
        await cluster.UntilFinished(sweep);
        await Eventually.True(async () => await prometheus.QueryAsync("deeptrain_sweep_trials_all") is [], "the sweep's series to be gone", cluster.Explain);

        // Over all that was scraped.
        Assert.All(await prometheus.QueryAsync($"max_over_time(({Ended})[10m:1s])"), most => Assert.InRange(most, 5, 120));
        Assert.All(await prometheus.QueryAsync($"resets(({Ended})[10m:1s])"), resets => Assert.Equal(0, resets));
        Assert.All(await prometheus.QueryAsync("resets(deeptrain_trials_ended_total[10m])"), resets => Assert.Equal(0, resets));
        await Eventually.True(async () => await prometheus.QueryAsync("sum(deeptrain_trials_ended_total)") is [120],
            "120 trials that workers have counted, no more and no less", cluster.Explain);
        // Whoever coordinated before was asked to end; whoever does since has said so.
        Assert.InRange((await prometheus.QueryAsync("max_over_time(deeptrain_coordinator_fence[10m])")).Max(), 2, 9);
    }

    /// <summary>Ours only: the names of Orleans' and the runtime's metrics are theirs.</summary>
    private static async Task CheckAsync(string scrape)
    {
        var promtool = InstalledPrograms.OnPath("promtool")!;
        using var process = Process.Start(new ProcessStartInfo(promtool, ["check", "metrics"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var said = process.StandardError.ReadToEndAsync();
        foreach (var line in scrape.Split('\n').Where(line => Regex.IsMatch(line, @"^(# (TYPE|HELP) )?deeptrain_")).Distinct())
            await process.StandardInput.WriteLineAsync(line);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await said);
    }

    /// <summary>Every metric that dashboards and rules name is in a scrape, whatever Prometheus may have remembered.</summary>
    private static void AssertHasAllThatIsAskedFor(string[] scrapes, string sweep)
    {
        var recorded = Queries.Rules(Deploy).Select(rule => rule.Record).OfType<string>().Append("up").ToHashSet();
        var names = scrapes.SelectMany(scrape => scrape.Split('\n')).Select(line => line.Split('{', ' ')[0]).ToHashSet();
        var used = Queries.Whole(Deploy).Concat(Queries.OfAlerts(Deploy)).Select(query => query.For(sweep, "5s"))
            .SelectMany(query => Queries.Selectors(query.Expression)).Select(Queries.NameOf).Where(name => name.Length > 0).Distinct();
        Assert.Equal([], used.Where(name => !recorded.Contains(name) && !names.Contains(name)));
    }

    private static void AssertLogsNameTheSweep(SiloProcess coordinator, string sweep)
    {
        var lines = coordinator.Said.Split(Environment.NewLine).Where(line => line.StartsWith('{')).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Contains(lines, line => line.GetProperty("State").TryGetProperty("Sweep", out var named) && named.GetString() == sweep
            && line.GetProperty("LogLevel").GetString() == "Information");
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DeepTrain.Cluster.Grains.Store;

namespace DeepTrain.Cluster.Bench;

/// <param name="Store">Where sweeps and results are: sqlite or postgres.</param>
/// <param name="Trials">All of one sweep, each a cell of its own.</param>
/// <param name="TrialTime">How long a trial is said to train; none: nothing but the way of a trial is measured.</param>
/// <param name="Slots">How many train at a time.</param>
/// <param name="Cohort">How many a slot trains together.</param>
/// <param name="Optuna">Whether Optuna's figures are taken too.</param>
internal sealed record OrchestrationWork(string Store, int Trials, TimeSpan TrialTime, int Slots, int Cohort, bool Optuna);

/// <summary>What the way of a trial costs: dispatcher, coordinator, store, slot, trial grain, writer, store, coordinator again.</summary>
/// <param name="Seconds">From handing over the sweep file until the coordinator says that the sweep is finished, all of it durable.</param>
/// <param name="OverIdeal">What that is over trials x time / slots, as a share of it; null where trials take no time.</param>
/// <param name="CostGrowth">The time that the last tenth of the trials took over that of the first.</param>
/// <param name="CoordinatorMiB">The most memory that the coordinator's process has taken; with SQLite its slots and libtorch in it.</param>
/// <param name="EpochReportsPerSecond">Of another sweep, whose trials have many epochs of no time: how many became durable.</param>
/// <param name="RebuildSeconds">From starting processes after a SIGKILL of all until the coordinator answered with the right counts.</param>
/// <param name="SubmitSeconds">The part of the seconds in which cells were formed and stored.</param>
/// <param name="ProcessorMicroseconds">The coordinator's process's time per trial.</param>
internal sealed record OrchestrationFigures(
    string Store, int Trials, int Slots, int Cohort, double Seconds, double TrialsPerSecond, double? OverIdeal, double CostGrowth,
    double CoordinatorMiB, double EpochReportsPerSecond, double RebuildSeconds, double SubmitSeconds, double ProcessorMicroseconds,
    OptunaFigures? Optuna);

internal static class Orchestration
{
    private const int WarmUpTrials = 3_000;
    private const int TrialsOfEpochs = 640;
    private const int Epochs = 100;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Tell = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task RunAsync(OrchestrationWork work, TextWriter output, TextWriter progress, bool json)
    {
        var folder = Directory.CreateTempSubdirectory("deeptrain-bench-").FullName;
        try
        {
            var figures = await MeasureAsync(work, folder, progress);
            output.WriteLine(json
                ? JsonSerializer.Serialize(figures, Json)
                : string.Join(Environment.NewLine, JsonSerializer.SerializeToElement(figures, Json).EnumerateObject()
                    .Select(figure => $"{figure.Name,-24}{figure.Value}")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<OrchestrationFigures> MeasureAsync(OrchestrationWork work, string folder, TextWriter progress)
    {
        await SiloProcess.BuildAsync();
        await using var cluster = await BenchCluster.StartAsync(work.Store, folder, work.Slots);
        // What is compiled while it runs should not count as the cost of the first trials.
        await RunAsync(cluster, "warm-up", WarmUpTrials, epochs: 1, TimeSpan.Zero, work.Cohort, progress);
        var main = await RunAsync(cluster, "orchestration", work.Trials, epochs: 1, work.TrialTime, work.Cohort, progress);
        var memory = cluster.Coordinator.PeakMiB;
        var epochs = await RunAsync(cluster, "epochs", TrialsOfEpochs, Epochs, TimeSpan.Zero, work.Cohort, progress);
        cluster.Kill();
        var clock = Stopwatch.StartNew();
        await cluster.StartAsync();
        var found = await cluster.Sweep("orchestration-1").GetProgress();
        clock.Stop();
        if (found?.Completed != work.Trials)
            throw new InvalidOperationException($"After the kill {found?.Completed} trials are complete, of {work.Trials}.");
        progress.WriteLine($"killed, and rebuilt in {clock.Elapsed.TotalSeconds:F2} s");
        var optuna = work.Optuna ? await OptunaFigures.MeasureAsync(work.Trials, folder) : null;
        if (work.Optuna && optuna is null)
            progress.WriteLine("Optuna is not installed (Debian: python3-optuna): no figures of it.");

        var ideal = work.Trials * work.TrialTime.TotalSeconds / work.Slots;
        return new(
            work.Store, work.Trials, work.Slots, work.Cohort, Math.Round(main.Time.TotalSeconds, 2),
            Math.Round(work.Trials / main.Time.TotalSeconds), ideal > 0 ? Math.Round((main.Time.TotalSeconds / ideal) - 1, 4) : null,
            Math.Round(main.Growth, 2), Math.Round(memory), Math.Round(TrialsOfEpochs * Epochs / epochs.Time.TotalSeconds),
            Math.Round(clock.Elapsed.TotalSeconds, 2), Math.Round(main.SubmitTime.TotalSeconds, 2),
            Math.Round(main.ProcessorTime.TotalMicroseconds / work.Trials), optuna);
    }

    private static string Text(string name, int trials, int epochs, TimeSpan time, int cohort) => string.Create(CultureInfo.InvariantCulture, $$"""
        name: {{name}}
        dataset: digits
        network: { hidden: [8] }
        training: { epochs: {{epochs}} }
        trainer: { simulate: { seconds: {{time.TotalSeconds}}, accuracy: 0.9, cohort: {{cohort}} } }
        space: { learningRate: { logUniform: [0.000001, 1] } }
        search: { method: random, trials: {{trials}}, seed: 1 }
        """);

    /// <param name="Growth">The time of the last tenth of the trials over that of the first.</param>
    private sealed record Course(TimeSpan Time, TimeSpan SubmitTime, double Growth, TimeSpan ProcessorTime);

    private static async Task<Course> RunAsync(
        BenchCluster cluster, string name, int trials, int epochs, TimeSpan time, int cohort, TextWriter progress)
    {
        var id = $"{name}-1";
        var sweep = cluster.Sweep(id);
        var before = cluster.Coordinator.ProcessorTime;
        var clock = Stopwatch.StartNew();
        await sweep.Submit(Text(name, trials, epochs, time, cohort), asNew: true);
        var submitted = clock.Elapsed;
        var looks = new List<(int Ended, TimeSpan At)> { (0, submitted) };
        for (var told = clock.Elapsed; ; await Task.Delay(Look))
        {
            var seen = (await sweep.GetProgress())!;
            if (seen.Ended > looks[^1].Ended)
                looks.Add((seen.Ended, clock.Elapsed));
            if (seen.Status is SweepStatus.Finished)
                break;
            if (clock.Elapsed - told < Tell)
                continue;
            told = clock.Elapsed;
            progress.WriteLine($"{id}: {seen.Ended} of {trials} trials after {told.TotalSeconds:F1} s");
        }
        var taken = clock.Elapsed;
        progress.WriteLine($"{id}: {trials} trials in {taken.TotalSeconds:F2} s");
        return new(taken, submitted, (looks[^1].At - At(trials - (trials / 10))) / (At(trials / 10) - submitted), cluster.Coordinator.ProcessorTime - before);

        // Between two looks as if trials had ended at a constant rate.
        TimeSpan At(int ended)
        {
            var after = Math.Max(1, looks.FindIndex(look => look.Ended >= ended));
            var (from, to) = (looks[after - 1], looks[after]);
            return from.At + ((to.At - from.At) * (ended - from.Ended) / (to.Ended - from.Ended));
        }
    }
}

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>What the sweep of the chaos runs gives where nobody disturbs it: one process, one folder.</summary>
/// <param name="Seconds">How long it took.</param>
internal sealed record QuietRun(SweepText Sweep, double Seconds, IReadOnlyList<object> Results)
{
    private static readonly TimeSpan AtLeast = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Aim = TimeSpan.FromSeconds(75);

    private static readonly Lazy<Task<QuietRun>> Once = new(RunAsync);

    /// <summary>The same for every seed.</summary>
    public static Task<QuietRun> Get() => Once.Value;

    /// <summary>Trials take as many epochs as make the whole take more than a minute on this machine.</summary>
    private static async Task<QuietRun> RunAsync()
    {
        // A width is a cohort of its own, as is a replicate: small networks, mini-batches smaller still, so that an epoch takes its time.
        var sweep = new SweepText("chaos")
        {
            Widths = [9, 16], Activations = ["tanh", "relu"], Replicates = 12, Depth = 2, BatchSize = 4, LearningRate = 0.002, Epochs = [60],
        };
        while (true)
        {
            var run = await RunAsync(sweep);
            if (run.Seconds >= AtLeast.TotalSeconds)
                return run;
            var factor = Math.Min(Aim.TotalSeconds / run.Seconds, 20);
            sweep = sweep with { Epochs = [(int)(sweep.Epochs[0] * factor)] };
        }
    }

    private static async Task<QuietRun> RunAsync(SweepText sweep)
    {
        using var workplace = new Workplace();
        var process = workplace.Run(workplace.Write(sweep), "--slots", "2");
        var finished = (await process.WaitAsync(TimeSpan.FromMinutes(10))).Expect(0);
        var trials = workplace.Store.Trials($"{sweep.Name}-1");
        Assert.All(trials, trial => Assert.Equal("Completed", trial.Outcome));
        return new(sweep, finished.Json.GetProperty("seconds").GetDouble(), [.. trials.Select(trial => trial.Result)]);
    }
}

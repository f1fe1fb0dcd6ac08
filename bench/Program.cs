using System.Collections.Immutable;
using System.Diagnostics;
using DeepTrain.Cluster.Sweeps;
using DeepTrain.Cluster.Training;

// quickstart
var cells = new List<Configuration>();
foreach (var init in new[] { "xavier-uniform", "xavier-normal", "he-uniform", "he-normal", "lecun-normal" })
foreach (var (act, alpha) in new (string, double?)[] { ("logistic", null), ("tanh", null), ("relu", null), ("leaky-relu", 0.01), ("leaky-relu", 0.2), ("elu", null) })
foreach (var bn in new[] { false, true })
{
    var v = new Dictionary<string, ParameterValue>
    {
        ["dataset"] = ParameterValue.Of("digits"), ["hidden"] = ParameterValue.Of(ImmutableArray.Create(64, 32)), ["epochs"] = ParameterValue.Of(20L), ["batchSize"] = ParameterValue.Of(32L),
        ["learningRate"] = ParameterValue.Of(0.05), ["momentum"] = ParameterValue.Of(0.9), ["initializer"] = ParameterValue.Of(init), ["activation"] = ParameterValue.Of(act), ["batchNorm"] = ParameterValue.Of(bn),
    };
    if (alpha is { } a) v["leakAlpha"] = ParameterValue.Of(a);
    cells.Add(Configuration.Resolve(v));
}
Console.WriteLine(cells.Count);
var sw = Stopwatch.StartNew();
Console.WriteLine(TorchRuntime.Describe()); Console.WriteLine($"load {sw.Elapsed.TotalSeconds:F2}");
var results = new System.Collections.Concurrent.ConcurrentBag<(Configuration, int, EpochReport)>();
sw.Restart();
int next = 0;
var threads = Enumerable.Range(0, 2).Select(_ => new Thread(() =>
{
    int r;
    while ((r = Interlocked.Increment(ref next)) <= 6)
    {
        var by = cells.ToDictionary(c => c.CellId);
        var t0 = sw.Elapsed;
        using var run = new FusedTrainer(TimeProvider.System).Start(new([.. cells.Select(c => new CohortTrial(new("x-1", c.CellId, r), c))]));
        var t1 = sw.Elapsed;
        while (run.Aboard.Count > 0) foreach (var rep in run.TrainEpoch()) if (rep.Ending is not null) results.Add((by[rep.Trial.Cell], r, rep));
        Console.WriteLine($"r{r}: start {(t1 - t0).TotalMilliseconds:F0} ms, train {(sw.Elapsed - t1).TotalSeconds:F2} s");
    }
})).ToList();
threads.ForEach(t => t.Start()); threads.ForEach(t => t.Join());
Console.WriteLine($"total {sw.Elapsed.TotalSeconds:F2} s");
foreach (var g in results.GroupBy(r => r.Item1).OrderByDescending(g => g.Average(x => x.Item3.ValidationAccuracy)).Take(4).Concat(results.GroupBy(r => r.Item1).OrderByDescending(g => g.Average(x => x.Item3.ValidationAccuracy)).TakeLast(3)))
    Console.WriteLine($"{g.Average(x => x.Item3.ValidationAccuracy):F4} test {g.Average(x => x.Item3.Ending!.TestAccuracy):F4} max {g.Max(x => x.Item3.ValidationAccuracy):F4} {g.Key[Parameters.Initializer]} {g.Key[Parameters.Activation]} {g.Key[Parameters.BatchNorm]}");
Console.WriteLine($"best trial {results.Max(x => x.Item3.ValidationAccuracy):F4}; diverged {results.Count(x => x.Item3.Ending!.Outcome == Outcome.Diverged)}");

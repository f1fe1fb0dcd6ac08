using System.Diagnostics;
using System.Globalization;
using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Trials that are programs of their own, and what these can do to their workers.</summary>
public sealed class CommandTests(ITestOutputHelper output)
{
    /// <summary>A running sum that only a state kept over all epochs gives; told to, it kills the silo that started it.</summary>
    private const string Script = """
        import json, os, signal, sys, time

        trial = json.loads(sys.stdin.readline())
        settings = trial["configuration"]
        path = os.path.join(trial["checkpointFolder"], "state.json")
        epoch, total = 0, 0.0
        if os.path.exists(path):
            with open(path) as file:
                epoch, total = json.load(file)

        def tell():
            print(json.dumps({"epoch": epoch, "trainLoss": total, "validationLoss": 1 / (1 + total), "validationAccuracy": 1 - 1 / (1 + total)}), flush=True)

        def parent(pid):
            with open(f"/proc/{pid}/stat") as file:
                return int(file.read().rsplit(")", 1)[1].split()[1])

        def worker():
            pid = os.getpid()
            while True:
                pid = parent(pid)
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if b"silo.dll" in file.read():
                        return pid

        if epoch > 0:
            tell()
        with open(os.environ["STARTS"], "a") as file:
            file.write(f"{trial['trial']} {epoch} {os.getpid()}\n")
        while epoch < trial["epochs"]:
            time.sleep(settings["pace"])
            if settings["units"] == settings["deadly"] and epoch == 0:
                os.kill(worker(), signal.SIGKILL)
            epoch += 1
            total += settings["units"] * trial["replicate"] / epoch
            with open(path + ".new", "w") as file:
                json.dump([epoch, total], file)
            os.replace(path + ".new", path)
            tell()
        """;

    [Fact]
    public async Task Script_WhoseWorkerIsKilled_GoesOnFromItsCheckpointElsewhere()
    {
        InstalledPrograms.Require("python3", package: "python3");
        await using var cluster = await TestCluster.StartAsync();
        var command = Prepare(cluster, checkpointSeconds: 1);
        await cluster.AddAsync(new SiloSetup("coordinator"));
        var worker = (await cluster.AddAsync(new SiloSetup("worker")))[0];
        var sweep = await cluster.SubmitAsync("script", Sweep("script", command, units: "[3]", epochs: 120, pace: 0.1));
        await cluster.AddAsync(new SiloSetup("worker"));
        await cluster.Until(() => cluster.Store.Checkpointed(sweep) == 1, "a checkpoint of the script");
        var process = Starts(cluster).Single().Process;

        worker.Kill();
        await cluster.Until(() => !Directory.Exists($"/proc/{process}"), "the end of the killed worker's script");
        await cluster.UntilFinished(sweep);

        var trial = Assert.Single(cluster.Store.Trials(sweep));
        Assert.Equal("Completed", trial.Outcome);
        // What one uninterrupted run of the same sum gives.
        Assert.Equal(Enumerable.Range(1, 120).Aggregate(0.0, (total, epoch) => total + 3.0 / epoch), trial.Metrics.TrainLoss);
        Assert.Equal(Enumerable.Range(1, 120), trial.Epochs.Select(epoch => epoch.Epoch).Where(epoch => epoch > 0));
        Assert.Equal(1, trial.Resumes);
        var resumedAt = Starts(cluster)[1].Epoch;
        output.WriteLine($"the script went on from epoch {resumedAt}");
        Assert.InRange(resumedAt, 1, 119);
    }

    [Fact]
    public async Task Trial_ThatKillsItsWorkers_IsSingledOutAndHarmsNoOther()
    {
        InstalledPrograms.Require("python3", package: "python3");
        await using var cluster = await TestCluster.StartAsync();
        var command = Prepare(cluster, checkpointSeconds: 1);
        await cluster.AddAsync(new("coordinator"), new("worker") { Slots = 2 }, new("worker") { Slots = 2 });
        await using var supervisor = new Supervisor(cluster);

        var since = Stopwatch.GetTimestamp();
        var sweep = await cluster.SubmitAsync("deadly",
            Sweep("deadly", command, units: "[1, 2, 3, 4, 5, 6, 7, 8]", epochs: 40, pace: 0.1, deadly: 4));
        await cluster.Until(() => cluster.Store.Status(sweep) == "Finished", $"{sweep} to finish", TimeSpan.FromMinutes(5));

        var trials = cluster.Store.Trials(sweep);
        var killer = Assert.Single(trials, trial => trial.Outcome != "Completed");
        output.WriteLine($"{trials.Count} trials in {Stopwatch.GetElapsedTime(since).TotalSeconds:F0} s, {supervisor.Restarts} workers killed: {killer.FailureMessage}");
        Assert.Equal(("Failed", "worker-killer"), (killer.Outcome, killer.FailureClass));
        // It was started two times beside others, and two times alone; nobody else's losses were counted to the end.
        Assert.Equal(4, Starts(cluster).Count(start => start.Trial.EndsWith(killer.Id, StringComparison.Ordinal)));
        Assert.Equal(4, supervisor.Restarts);
    }

    /// <summary>Writes the script where every worker finds it, and allows them to start it.</summary>
    private static string Prepare(TestCluster cluster, int checkpointSeconds)
    {
        var command = $"python3 {cluster.Write("script.py", Script)}";
        cluster.Settings["DEEPTRAIN_CHECKPOINT_SECONDS"] = $"{checkpointSeconds}";
        cluster.Settings["DEEPTRAIN_COMMANDS"] = command;
        cluster.Settings["STARTS"] = cluster.Write("starts", "");
        return command;
    }

    private static string Sweep(string name, string command, string units, int epochs, double pace, int deadly = 0) => FormattableString.Invariant($$"""
        name: {{name}}
        trainer:
          command: [{{command.Replace(" ", ", ", StringComparison.Ordinal)}}]
          parameters: { units: 1, deadly: {{deadly}}, pace: {{pace}} }
        training: { epochs: {{epochs}} }
        space:
          units: {{units}}
        """);

    /// <summary>Of each start of the script: the trial, the epoch that it went on from, the process.</summary>
    private static IReadOnlyList<(string Trial, int Epoch, int Process)> Starts(TestCluster cluster) =>
        [.. File.ReadLines(cluster.Settings["STARTS"]).Select(line => line.Split(' '))
            .Select(parts => (parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture), int.Parse(parts[2], CultureInfo.InvariantCulture)))];
}

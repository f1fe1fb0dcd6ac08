using System.Diagnostics;
using System.Formats.Tar;
using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using CsCheck;
using DeepTrain.Cluster.Grains.Tests;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Trainers;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>Commands as they really run: processes, groups, pipes and signals.</summary>
public sealed class CommandTrainerTests : IDisposable
{
    /// <summary>Reads its line, goes on from its folder as docs/command-trainers.md says, and prints epochs up to the fifth.</summary>
    private const string Counting = """
        read -r trial
        folder=$(printf '%s' "$trial" | sed 's/.*"checkpointFolder":"\([^"]*\)".*/\1/')
        say() { echo "{\"epoch\": $1, \"trainLoss\": 0.$1}"; }
        epoch=0
        if [ -f "$folder/epoch" ]; then epoch=$(cat "$folder/epoch"); say "$epoch"; fi
        while [ "$epoch" -lt 5 ]; do
          epoch=$((epoch + 1))
          mkdir -p "$folder/deep"; echo "$epoch" >"$folder/new"; mv "$folder/new" "$folder/epoch"
          say "$epoch"
        done
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static CommandTrainer Trainer { get; } = new(CommandPolicy.Any, TimeProvider.System);

    private static ITrainingRun Start(string script, int epochs = 1) => Trainer.Start(new([TrainerTrials.Script(script, epochs)]));

    private static TrainerException Failure(string script, int epochs = 1)
    {
        using var run = Start(script, epochs);
        return Assert.Throws<TrainerException>(() =>
        {
            while (run.InTraining.Count > 0)
                run.TrainEpoch();
        });
    }

    [Theory]
    [InlineData(Metric.TrainLoss, null)]
    [InlineData(Metric.ValidationLoss, "the line of the last epoch has no validationLoss")]
    [InlineData(Metric.ValidationAccuracy, "the line of the last epoch has no validationAccuracy")]
    public void TrainEpoch_LastLineWithoutTheObjective_Fails(Metric objective, string? expected)
    {
        using var run = Trainer.Start(new([TrainerTrials.Script("""
            echo '{"epoch": 1, "validationLoss": 0.5, "validationAccuracy": 0.7}'
            echo '{"epoch": 2, "trainLoss": 0.4}'
            """, epochs: 2)]) { Objective = objective });
        run.TrainEpoch();

        var failure = Record.Exception(() => run.TrainEpoch());

        if (expected is null)
            Assert.Null(failure);
        else
            Assert.Contains(expected, Assert.IsType<TrainerException>(failure).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TrainEpoch_Lines_BecomeReports()
    {
        using var run = Start("""
            echo '{"epoch": 1, "trainLoss": 0.5, "validationLoss": 0.6, "validationAccuracy": 0.7, "mine": "x"}'
            echo '{"epoch": 2, "validationAccuracy": 0.8, "testLoss": 0.3, "testAccuracy": 0.9}'
            """, epochs: 2);

        Assert.Empty(run.ReportStart());
        var first = Assert.Single(run.TrainEpoch());
        Assert.Equal((1, 0.5, 0.6, 0.7), (first.Epoch, first.TrainLoss, first.ValidationLoss, first.ValidationAccuracy));
        Assert.Null(first.Ending);
        var last = Assert.Single(run.TrainEpoch());
        Assert.Equal((2, double.NaN, 0.8, new(Outcome.Completed, 0.3, 0.9)), (last.Epoch, last.TrainLoss, last.ValidationAccuracy, last.Ending));
        Assert.Empty(run.InTraining);
    }

    [Fact]
    public void TrainEpoch_LastLineWithoutALineFeed_IsRead()
    {
        using var run = Start("""printf '{"epoch": 1, "trainLoss": 0.5}\n{"epoch": 2, "trainLoss": 0.25}'""", epochs: 2);
        run.TrainEpoch();

        var last = Assert.Single(run.TrainEpoch());

        Assert.Equal((2, 0.25, new(Outcome.Completed)), (last.Epoch, last.TrainLoss, last.Ending));
    }

    [Fact]
    public async Task TrainEpoch_CommandThatClosesItsOutputsAndGoesOn_CanBeStopped()
    {
        using var stop = new CancellationTokenSource();
        using var run = Start($"exec >&- 2>&-; echo >{_folder["closed"]}; sleep 1000");
        var training = Task.Run(() => run.TrainEpoch(stop.Token), CancellationToken.None);
        await UntilAsync(() => File.Exists(_folder["closed"]));
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => training.WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task TrainEpoch_DaemonThatLogsWithoutEnd_EndsWithItsShell()
    {
        Assert.SkipWhen(Servers.InstalledPrograms.OnPath("setsid") is null, "There is no setsid (Debian: util-linux).");
        using var run = Start($$"""
            echo '{"epoch": 1, "trainLoss": 0.5}'
            setsid sh -c 'yes & echo $! >"$0"' {{_folder["daemon"]}} >&2 &
            while [ ! -s {{_folder["daemon"]}} ]; do sleep 0.01; done
            """);
        try
        {
            var reports = await Task.Run(() => run.TrainEpoch(), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20), CancellationToken.None);
            Assert.Equal(new(Outcome.Completed), Assert.Single(reports).Ending);
        }
        finally
        {
            await KillAsync(_folder["daemon"]);
        }
    }

    [Fact]
    public void TrainEpoch_NotFinite_EndsAsDiverged()
    {
        using var run = Start("""echo '{"epoch": 1, "trainLoss": NaN}'; sleep 1000""", epochs: 5);

        Assert.Equal(new(Outcome.Diverged), Assert.Single(run.TrainEpoch()).Ending);
    }

    [Fact]
    public void Start_Command_ReadsItsTrialAsOneLine()
    {
        var failure = Failure("cat >&2; exit 3", epochs: 7);

        Assert.EndsWith("}\n", failure.Log!, StringComparison.Ordinal);
        var input = JsonDocument.Parse(failure.Log!).RootElement;
        Assert.Equal(["trial", "configuration", "replicate", "checkpointFolder", "epochs"], input.EnumerateObject().Select(property => property.Name));
        var (trial, configuration) = (TrainerTrials.Script("cat >&2; exit 3", 7), input.GetProperty("configuration"));
        Assert.Equal(($"{trial.Id}", 1, 7), (input.GetProperty("trial").GetString(), input.GetProperty("replicate").GetInt32(), input.GetProperty("epochs").GetInt32()));
        Assert.Equal(trial.Configuration.Values.Keys, configuration.EnumerateObject().Select(property => property.Name));
        Assert.Equal((32, "tr\u00e9e '\\\"`$(x)"), (configuration.GetProperty("units").GetInt32(), configuration.GetProperty("kind").GetString()));
        Assert.False(Directory.Exists(input.GetProperty("checkpointFolder").GetString()));
    }

    [Theory]
    [InlineData("exit 3", FailureClass.CodeError, "exit code 3")]
    [InlineData("exit 75", FailureClass.Infrastructure, "exit code 75")]
    [InlineData("echo '{\"epoch\": 1, \"trainLoss\": 1}'; exit 0", FailureClass.CodeError, "exit code 0 after epoch 1 of 2")]
    [InlineData("for i in 1 2; do echo \"{\\\"epoch\\\": $i, \\\"trainLoss\\\": 1}\"; done; exit 4", FailureClass.CodeError, "exit code 4")]
    [InlineData("kill -TERM $$", FailureClass.CodeError, "signal 15")]
    [InlineData("kill -KILL $$", FailureClass.CodeError, "signal 9")]
    [InlineData("echo hello", FailureClass.CodeError, "it printed 'hello'")]
    [InlineData("echo '{\"epoch\": 2, \"trainLoss\": 1}'", FailureClass.CodeError, "printed epoch 2 where 1 was next")]
    [InlineData("echo '{\"epoch\": 0, \"trainLoss\": 1}'", FailureClass.CodeError, "epochs are counted from 1")]
    [InlineData("for i in 1 2 3; do echo \"{\\\"epoch\\\": $i, \\\"trainLoss\\\": 1}\"; done", FailureClass.CodeError, "printed epoch 3 after the last, 2")]
    [InlineData("head -c 70000 /dev/zero | tr '\\0' x; sleep 1000", FailureClass.CodeError, "a line of more than 65,536 bytes")]
    [InlineData("printf hello", FailureClass.CodeError, "it printed 'hello'")]
    [InlineData("printf '{\"epoch\": 1, \"trainLo'; exit 3", FailureClass.CodeError, "exit code 3")]
    [InlineData("printf '{\"epoch\": 1, \"trainLoss\": 1}'; exit 75", FailureClass.Infrastructure, "exit code 75")]
    [InlineData("printf '{\"epoch\": 1, \"trainLoss\": 1}'", FailureClass.CodeError, "exit code 0 after epoch 1 of 2")]
    public void TrainEpoch_CommandThatFails_SaysHow(string script, string failureClass, string message)
    {
        var failure = Failure(script, epochs: 2);

        Assert.Equal(failureClass, failure.FailureClass);
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_Command_IsNotToldTheClustersPasswords()
    {
        var variables = SettingsTable.All.Where(setting => setting.IsSecret).Select(setting => setting.Variable).ToList();
        Assert.Equal(["DEEPTRAIN_POSTGRES_PASSWORD", "DEEPTRAIN_REDIS_PASSWORD"], variables);
        foreach (var variable in variables)
            Environment.SetEnvironmentVariable(variable, "a secret");
        try
        {
            var log = Failure("env >&2; exit 1").Log!;
            Assert.Contains("PATH=", log, StringComparison.Ordinal);
            Assert.DoesNotContain("PASSWORD", log, StringComparison.Ordinal);
        }
        finally
        {
            foreach (var variable in variables)
                Environment.SetEnvironmentVariable(variable, null);
        }
    }

    [Fact]
    public async Task TrainEpoch_CommandThatLeavesADaemon_EndsWithItsShell()
    {
        Assert.SkipWhen(Servers.InstalledPrograms.OnPath("setsid") is null, "There is no setsid (Debian: util-linux).");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        // In a session of its own it outlives the group, and it holds both pipes.
        using var run = Start($$"""
            setsid sh -c 'echo $$ >"$0"; exec sleep 1000' {{_folder["daemon"]}} &
            while [ ! -s {{_folder["daemon"]}} ]; do sleep 0.01; done
            echo '{"epoch": 1, "trainLoss": 0.5}'
            """);
        try
        {
            Assert.Equal(new(Outcome.Completed), Assert.Single(run.TrainEpoch(patience.Token)).Ending);
        }
        finally
        {
            await KillAsync(_folder["daemon"]);
        }
    }

    [Fact]
    public void TrainEpoch_NoSuchProgram_SaysSo()
    {
        using var run = Trainer.Start(new([TrainerTrials.Command(["./there-is-none"])]));

        var failure = Assert.Throws<TrainerException>(() => run.TrainEpoch());
        Assert.Contains("it was not found", failure.Message, StringComparison.Ordinal);
        Assert.Contains("there-is-none", failure.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void TrainEpoch_MuchOnStandardError_IsDrainedAndItsTailKept()
    {
        var failure = Failure("head -c 1000000 /dev/zero | tr '\\0' y >&2; echo 'last words' >&2; exit 1");

        Assert.Equal(Sweeps.Trials.Failure.LogLimit, failure.Log!.Length);
        Assert.EndsWith("y" + "last words\n", failure.Log, StringComparison.Ordinal);
    }

    /// <summary>timeout(1) makes a group of its own, in the session of whoever starts it.</summary>
    [Theory]
    [InlineData("sleep 1000", 3)]
    [InlineData("", 1)]
    public async Task Dispose_ChildrenInAGroupOfTheirOwn_EndsThemToo(string rest, int epochs)
    {
        Assert.SkipWhen(Servers.InstalledPrograms.OnPath("setsid") is null, "There is no setsid (Debian: util-linux).");
        var run = Start($$"""
            timeout 1000 sh -c 'echo $$ >"$0"; sleep 1000' {{_folder["child"]}} &
            while [ ! -s {{_folder["child"]}} ]; do sleep 0.01; done
            echo "{\"epoch\": 1, \"trainLoss\": $!}"
            {{rest}}
            """, epochs);
        int[] processes = [(int)Assert.Single(run.TrainEpoch()).TrainLoss, int.Parse(File.ReadAllText(_folder["child"]), CultureInfo.InvariantCulture)];

        run.Dispose();

        await EndedAsync(processes);
    }

    [Fact]
    public async Task Pause_ChildrenInAGroupOfTheirOwn_StopUntilContinue()
    {
        Assert.SkipWhen(Servers.InstalledPrograms.OnPath("setsid") is null, "There is no setsid (Debian: util-linux).");
        using var group = new CommandGroup(
            ["sh", "-c", $"timeout 1000 sh -c 'echo $$ >\"$0\"; while :; do :; done' {_folder["child"]} & echo $!; wait"], "", NewFolder());
        var timeout = int.Parse(group.ReadLine(CancellationToken.None)!, CultureInfo.InvariantCulture);
        await UntilAsync(() => File.Exists(_folder["child"]) && File.ReadAllText(_folder["child"]).EndsWith('\n'));
        int[] processes = [timeout, int.Parse(File.ReadAllText(_folder["child"]), CultureInfo.InvariantCulture)];

        group.Pause();
        Assert.All(processes, process => Assert.Equal("T", Stat(process)?.State));
        group.Continue();
        await UntilAsync(() => processes.All(process => Stat(process)?.State is not "T"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dispose_OrLeave_EndsGrandchildrenToo(bool leaves)
    {
        // The losses are the numbers of processes: the command's and its grandchild's.
        using var run = Start("""
            ( sleep 1000 & echo "{\"epoch\": 1, \"trainLoss\": $$, \"validationLoss\": $!}"; wait ) &
            trap '' TERM INT HUP
            wait
            """, epochs: 3);
        var report = Assert.Single(run.TrainEpoch());
        int[] processes = [(int)report.TrainLoss, (int)report.ValidationLoss];
        Assert.All(processes, process => Assert.True(IsRunning(process)));

        if (leaves)
            run.Leave([report.Trial]);
        else
            run.Dispose();

        await EndedAsync(processes);
        Assert.Empty(run.InTraining);
    }

    [Fact]
    public async Task TrainEpoch_Stopped_ThrowsAndTheGroupEnds()
    {
        using var stop = new CancellationTokenSource();
        using var run = Start("""echo "{\"epoch\": 1, \"trainLoss\": $$}"; sleep 1000""", epochs: 2);
        var process = (int)Assert.Single(run.TrainEpoch(stop.Token)).TrainLoss;
        await stop.CancelAsync();

        Assert.ThrowsAny<OperationCanceledException>(() => run.TrainEpoch(stop.Token));
        run.Dispose();

        await EndedAsync([process]);
    }

    /// <summary>To whom the pipe belongs that the shell reads from, a process that is killed with SIGKILL closes it.</summary>
    [Fact]
    public async Task Shell_ItsWorkerIsKilled_EndsTheGroupAndDeletesTheFolder()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.Root, "of the trial")).FullName;
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true };
        // The worker is a process that holds the pipe and does nothing.
        foreach (var word in (string[])["-c", """{ echo line; exec sleep 1000; } | sh -c "$0" deeptrain "$1" sh -c "$2" & wait""", CommandGroup.Shell, folder,
            "read -r line; timeout 1000 sleep 1000 & echo $line $!; wait"])
            start.ArgumentList.Add(word);
        using var all = Process.Start(start)!;
        var group = int.Parse((await all.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!, CultureInfo.InvariantCulture);
        var words = (await all.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!.Split(' ');
        Assert.Equal("line", words[0]);
        int[] processes = [group, int.Parse(words[1], CultureInfo.InvariantCulture)];
        Assert.All(processes, process => Assert.True(IsRunning(process)));

        await UntilAsync(() => WorkerOf(all.Id) is not null);
        Process.GetProcessById(WorkerOf(all.Id)!.Value).Kill();

        await EndedAsync(processes);
        await UntilAsync(() => !Directory.Exists(folder));
        all.Kill(entireProcessTree: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Start_FromASavedRun_GoesOnWhereItWas(int savedAt)
    {
        var trial = TrainerTrials.Script(Counting, epochs: 5);
        var path = Path.Combine(_folder.Root, "saved");
        using var run = Trainer.Start(new([trial]));
        var losses = Enumerable.Range(0, savedAt).Select(_ => run.TrainEpoch().Single().TrainLoss).ToList();
        run.Save(path);

        using var resumed = Trainer.Start(new([trial], path));
        Assert.Equal(savedAt, resumed.Epoch);
        // A checkpoint of a run that has printed lines ahead, and goes on from a checkpoint itself.
        resumed.Save(path);
        using var again = Trainer.Start(new([trial], path));
        foreach (var continued in (ITrainingRun[])[run, resumed, again])
        {
            var rest = Enumerable.Range(0, 5 - savedAt).Select(_ => continued.TrainEpoch().Single()).ToList();
            Assert.Equal([0.1, 0.2, 0.3, 0.4, 0.5], losses.Concat(rest.Select(report => report.TrainLoss)));
            Assert.Equal(Outcome.Completed, rest[^1].Ending!.Outcome);
        }
    }

    [Fact]
    public void Save_CommandAtWork_PausesItMeanwhileAndLetsItGoOn()
    {
        var trial = TrainerTrials.Script(Counting.Replace("say \"$epoch\"\ndone", "say \"$epoch\"\n[ $epoch -lt 2 ] || sleep 0.2\ndone", StringComparison.Ordinal), epochs: 5);
        using var run = Trainer.Start(new([trial]));
        for (var epoch = 1; epoch < 5; epoch++)
        {
            Assert.Equal(epoch, run.TrainEpoch().Single().Epoch);
            run.Save(Path.Combine(_folder.Root, $"{epoch}"));
        }
        Assert.Equal(Outcome.Completed, run.TrainEpoch().Single().Ending!.Outcome);
    }

    [Fact]
    public void TrainEpoch_ResumedCommandThatSkipsEpochs_FailsWithTheRule()
    {
        var trial = TrainerTrials.Script(Counting.Replace("say \"$epoch\"; fi", "epoch=$((epoch + 1)); fi", StringComparison.Ordinal), epochs: 5);
        var path = Path.Combine(_folder.Root, "saved");
        CommandCheckpoint.Save(path, trial.Id, 2, [], Folder(("epoch", "3")));

        using var run = Trainer.Start(new([trial], path));
        var failure = Assert.Throws<TrainerException>(() => run.TrainEpoch());
        Assert.Contains("prints the line of the last epoch in it again first", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_CheckpointOfNoUse_IsInvalidData()
    {
        var trial = TrainerTrials.Script(Counting, epochs: 5);
        var path = Path.Combine(_folder.Root, "saved");
        CommandCheckpoint.Save(path, trial.Id, 2, [], Folder(("epoch", "2")));
        var whole = File.ReadAllBytes(path);

        Assert.Throws<InvalidDataException>(() => Trainer.Start(new([trial with { Id = trial.Id with { Replicate = 2 } }], path)));
        foreach (var length in new[] { 0, 3, whole.Length / 2, whole.Length - 1 })
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<InvalidDataException>(() => Trainer.Start(new([trial], path)));
        }
        Assert.Throws<FileNotFoundException>(() => Trainer.Start(new([trial], path + ".none")));
    }

    [Fact]
    public void Start_FromARunThatWasStoppedAfterItsLastLine_Completes()
    {
        var trial = TrainerTrials.Script(Counting.Replace("\ndone", "\ndone\n[ -e \"$folder/again\" ] || { echo >\"$folder/again\"; sleep 1000; }", StringComparison.Ordinal), epochs: 5);
        var path = _folder["saved"];
        using var run = Trainer.Start(new([trial]));
        for (var epoch = 1; epoch < 5; epoch++)
            run.TrainEpoch();
        // It does not end after its last line.
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        Assert.ThrowsAny<OperationCanceledException>(() => run.TrainEpoch(stop.Token));
        Assert.Equal(4, run.Epoch);
        run.Save(path);

        using var resumed = Trainer.Start(new([trial], path));
        Assert.Equal((5, new(Outcome.Completed)), resumed.TrainEpoch().Select(report => (report.Epoch, report.Ending)).Single());
    }

    [Fact]
    public void Start_CheckpointWithAChangedBit_IsInvalidData()
    {
        var trial = TrainerTrials.Script(Counting, epochs: 5);
        var path = _folder["saved"];
        CommandCheckpoint.Save(path, trial.Id, 2, ["{}"u8.ToArray()], Folder(("epoch", "2"), ("weights", new('w', 5000))));
        var whole = File.ReadAllBytes(path);

        Gen.Int[0, whole.Length * 8 - 1].Sample(bit =>
        {
            var changed = whole.ToArray();
            changed[bit / 8] ^= (byte)(1 << bit % 8);
            File.WriteAllBytes(path, changed);
            Assert.Throws<InvalidDataException>(() => CommandCheckpoint.Restore(path, trial.Id, NewFolder()));
        }, iter: 300, threads: 1);
    }

    /// <summary>What is written into a checkpoint folder may name it as the command was told it, or link by link.</summary>
    [Theory]
    [InlineData("ln -s $folder/deep/epoch $folder/latest", "deep/epoch")]
    [InlineData("ln -s $(realpath $folder)/deep/epoch $folder/latest", "deep/epoch")]
    [InlineData("ln -s deep/epoch $folder/latest", "deep/epoch")]
    [InlineData("ln -s $folder/gone $folder/latest", "gone")]
    [InlineData("ln -s $folder/epoch $folder/deep/er/latest && ln -s deep/er/latest $folder/latest", "deep/er/latest")]
    [InlineData("ln -s $folder/deep/ $folder/deep/er/up && ln -s deep/er/up/epoch $folder/latest", "deep/er/up/epoch")]
    public void Save_LinkIntoTheFolder_IsRestoredAsARelativeOne(string link, string target)
    {
        var trial = TrainerTrials.Script(Counting.Replace("epoch=0\n",
            $$"""
            epoch=0
            if [ ! -d $folder/deep ]; then mkdir -p $folder/deep/er; echo 7 >$folder/deep/epoch; {{link}}; else ls -l $folder/latest >&2; exit 3; fi

            """, StringComparison.Ordinal), epochs: 5);
        using var run = Trainer.Start(new([trial]));
        run.TrainEpoch();
        run.Save(_folder["saved"]);

        var folder = NewFolder();
        CommandCheckpoint.Restore(_folder["saved"], trial.Id, folder);

        Assert.Equal(target, new FileInfo(Path.Combine(folder, "latest")).LinkTarget);
        Assert.Equal("7\n", File.ReadAllText(Path.Combine(folder, "deep", "epoch")));
    }

    [Theory]
    [InlineData("/etc/hostname")]
    [InlineData("../elsewhere")]
    [InlineData("deep/../../elsewhere")]
    [InlineData(".")]
    [InlineData("/")]
    public void Save_LinkOutOfTheFolder_IsRefused(string target)
    {
        var folder = Folder(("epoch", "2"));
        Directory.CreateDirectory(Path.Combine(folder, "deep"));
        File.CreateSymbolicLink(Path.Combine(folder, "latest"), target);

        var refused = Assert.Throws<IOException>(() => CommandCheckpoint.Save(_folder["saved"], TrainerTrials.Script("").Id, 2, [], folder));

        Assert.StartsWith($"The link 'latest' in the folder {folder} leads to '{target}'", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["saved"]));
    }

    [Theory]
    [InlineData("/etc/hostname")]
    [InlineData("../elsewhere")]
    public void Start_OldCheckpointWithALinkOutOfTheFolder_IsInvalidData(string target)
    {
        var trial = TrainerTrials.Script(Counting, epochs: 5);
        var folder = Folder(("epoch", "2"));
        File.CreateSymbolicLink(Path.Combine(folder, "latest"), target);
        SaveAsOldVersion(trial, folder);

        Assert.Throws<InvalidDataException>(() => Trainer.Start(new([trial], _folder["saved"])));
    }

    [Fact]
    public void Start_OldCheckpoint_GoesOn()
    {
        var trial = TrainerTrials.Script(Counting, epochs: 5);
        SaveAsOldVersion(trial, Folder(("epoch", "2")));

        using var run = Trainer.Start(new([trial], _folder["saved"]));

        Assert.Equal((2, 3), (run.Epoch, run.TrainEpoch().Single().Epoch));
    }

    [Fact]
    public void Start_DamagedOldCheckpoint_IsInvalidDataOrGoesOn()
    {
        var trial = TrainerTrials.Script(Counting, epochs: 5);
        SaveAsOldVersion(trial, Folder(("epoch", "2"), ("weights", new('w', 5000))));
        var whole = File.ReadAllBytes(_folder["saved"]);

        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[1, 20].Sample(changes =>
        {
            var changed = whole.ToArray();
            foreach (var (place, value) in changes)
                changed[place] = value;
            File.WriteAllBytes(_folder["saved"], changed);
            Assert.True(Record.Exception(() => CommandCheckpoint.Restore(_folder["saved"], trial.Id, NewFolder())) is null or InvalidDataException);
        }, iter: 500, threads: 1);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Restore_AnyKindOfFile_IsAsItWas()
    {
        var folder = Folder(("plain", "text"), ("run", "#!/bin/sh"), (".hidden", "dot"), ("a name with spaces \u00e9", ""));
        File.SetUnixFileMode(Path.Combine(folder, "run"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Directory.CreateDirectory(Path.Combine(folder, "empty", "deeper"));
        Directory.CreateDirectory(Path.Combine(folder, new string('d', 200), new string('e', 200)));
        Directory.CreateDirectory(Path.Combine(folder, "closed"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var id = TrainerTrials.Script("").Id;
        CommandCheckpoint.Save(_folder["saved"], id, 2, [], folder);

        var restored = NewFolder();
        CommandCheckpoint.Restore(_folder["saved"], id, restored);

        Assert.Equal(Entries(folder), Entries(restored));

        static List<(string, UnixFileMode, string?)> Entries(string root) =>
            [.. new DirectoryInfo(root).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).OrderBy(entry => entry.FullName, StringComparer.Ordinal)
                .Select(entry => (Path.GetRelativePath(root, entry.FullName), entry.UnixFileMode, entry is FileInfo ? File.ReadAllText(entry.FullName) : null))];
    }

    [Fact]
    public void Restore_EmptyFolder_IsEmpty()
    {
        var id = TrainerTrials.Script("").Id;
        CommandCheckpoint.Save(_folder["saved"], id, 2, [], NewFolder());

        var restored = NewFolder();
        Assert.Equal(2, CommandCheckpoint.Restore(_folder["saved"], id, restored).Epoch);
        Assert.Empty(Directory.EnumerateFileSystemEntries(restored));
    }

    /// <summary>As versions wrote it that knew no hash.</summary>
    private void SaveAsOldVersion(CohortTrial trial, string folder)
    {
        using var stream = File.Create(_folder["saved"]);
        stream.Write(Encoding.UTF8.GetBytes($$"""{"Format":"deeptrain-command-1","Trial":"{{trial.Id}}","Epoch":2,"Lines":[]}""" + "\n"));
        TarFile.CreateFromDirectory(folder, stream, includeBaseDirectory: false);
        stream.Write("END\n"u8);
    }

    private string NewFolder() => Directory.CreateDirectory(_folder[$"{Guid.NewGuid():N}"]).FullName;

    private string Folder(params (string Name, string Text)[] files)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.Root, "made")).FullName;
        foreach (var (name, text) in files)
            File.WriteAllText(Path.Combine(folder, name), text);
        return folder;
    }

    /// <summary>The sleeping process among a process's children.</summary>
    private static int? WorkerOf(int parent) => Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
        .Where(name => int.TryParse(name, out _)).Select(name => (int?)int.Parse(name!, CultureInfo.InvariantCulture))
        .FirstOrDefault(process => Stat(process!.Value) is { } stat && stat.Parent == parent && stat.Name == "sleep");

    private static bool IsRunning(int process) => Stat(process) is { State: not ("Z" or "X") };

    private static (string Name, string State, int Parent)? Stat(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            var (open, close) = (text.IndexOf('('), text.LastIndexOf(')'));
            var fields = text[(close + 2)..].Split(' ');
            return (text[(open + 1)..close], fields[0], int.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Kills the process whose number is in a file.</summary>
    private static async Task KillAsync(string file)
    {
        var process = int.Parse(await File.ReadAllTextAsync(file, CancellationToken.None), CultureInfo.InvariantCulture);
        Process.GetProcessById(process).Kill();
        await EndedAsync([process]);
    }

    private static Task EndedAsync(int[] processes) => UntilAsync(() => !processes.Any(IsRunning));

    private static Task UntilAsync(Func<bool> holds) => Eventually.True(() => Task.FromResult(holds()), "what the processes do");
}

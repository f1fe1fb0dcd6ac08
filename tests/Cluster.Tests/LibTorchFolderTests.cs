using System.Text.Json.Nodes;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>The program without a libtorch of its own, as a build with TorchBackend=none is, and the libtorch of a folder.</summary>
public sealed class LibTorchFolderTests : IDisposable
{
    private static readonly SweepText Small = new("small");

    private readonly Workplace _workplace;
    private readonly string _root;
    private readonly List<DeepTrainProcess> _processes = [];

    public LibTorchFolderTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The libraries are named and linked as Linux does it.");
        _workplace = new();
        _root = Directory.CreateTempSubdirectory("deeptrain-libtorch-").FullName;
        Directory.CreateDirectory(Program);
        Directory.CreateDirectory(Libraries);
        var built = Repository.PathOf("artifacts/deeptrain");
        var parts = JsonNode.Parse(File.ReadAllText(Path.Combine(built, "deeptrain.deps.json")))!;
        var (name, libtorch) = parts["targets"]!.AsObject().SelectMany(target => target.Value!.AsObject())
            .Single(part => part.Key.StartsWith("libtorch-cpu", StringComparison.Ordinal));
        var natives = libtorch!["native"]!.AsObject().Select(native => Path.GetFileName(native.Key)).ToHashSet();
        foreach (var target in parts["targets"]!.AsObject())
            target.Value!.AsObject().Remove(name);
        foreach (var path in Directory.EnumerateFiles(built).Where(path => !path.EndsWith(".deps.json", StringComparison.Ordinal)))
            File.CreateSymbolicLink(Path.Combine(natives.Contains(Path.GetFileName(path)) ? Libraries : Program, Path.GetFileName(path)), path);
        // A program is looked for where its own files are, not where links to them are.
        foreach (var file in (string[])["deeptrain.dll", "deeptrain.runtimeconfig.json"])
        {
            File.Delete(Path.Combine(Program, file));
            File.Copy(Path.Combine(built, file), Path.Combine(Program, file));
        }
        File.WriteAllText(Path.Combine(Program, "deeptrain.deps.json"), parts.ToJsonString());
    }

    private string Program => Path.Combine(_root, "program");

    private string Libraries => Path.Combine(_root, "lib");

    public void Dispose()
    {
        foreach (var process in _processes)
            process.Dispose();
        _workplace.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task Run_FolderByOptionOrVariable_GivesTheBitsOfTheProgramsOwn()
    {
        var file = _workplace.Write(Small);

        (await Start([], "devices").WaitAsync()).Expect(3).ExpectInErrors("name a folder with a libtorch in DEEPTRAIN_LIBTORCH");
        (await Start([], "run", file, "--data", _workplace.Data, "--metrics-port", "0", "--libtorch", Libraries).WaitAsync()).Expect(0);

        Assert.Equal(await Workplace.ResultsAsync(Small), _workplace.Store.Trials("small-1").Select(trial => trial.Result));
        var device = (await Start(new() { ["DEEPTRAIN_LIBTORCH"] = Libraries }, "devices", "--format", "json").WaitAsync()).Expect(0).Json[0];
        Assert.Equal(("cpu", "2.10.0"), (device.GetProperty("kind").GetString(), device.GetProperty("libtorch").GetString()));
    }

    /// <summary>As on a system that has a libtorch installed, of whatever version: the library path leads to one.</summary>
    [Fact]
    public async Task Devices_OtherLibTorchOnTheLibraryPath_IsNotTaken()
    {
        (await Start(new() { ["LD_LIBRARY_PATH"] = Libraries }, "devices").WaitAsync()).Expect(3)
            .ExpectInErrors("name a folder with a libtorch in DEEPTRAIN_LIBTORCH");

        // Nor beside the one that is named, or came with the program.
        var others = Path.Combine(_root, "others");
        Directory.CreateDirectory(others);
        foreach (var name in (string[])["libc10.so", "libtorch_cpu.so", "libtorch.so"])
            File.WriteAllText(Path.Combine(others, name), "no library");
        (await Start(new() { ["LD_LIBRARY_PATH"] = others }, "devices", "--libtorch", Libraries).WaitAsync()).Expect(0);
        using var own = DeepTrainProcess.Start(
            Repository.PathOf($"artifacts/deeptrain/{DeepTrainProcess.CommandLineProgram}"), _root, ["devices"], new() { ["LD_LIBRARY_PATH"] = others });
        (await own.WaitAsync()).Expect(0);
    }

    [Fact]
    public async Task Devices_FolderBesideALibTorchOfTheProgramsOwn_IsRefused()
    {
        using var workplace = new Workplace();

        (await workplace.Tell("devices", "--libtorch", Libraries)).Expect(3).ExpectInErrors("this program has a libtorch of its own (")
            .ExpectInErrors("Build it without: -p:TorchBackend=none.");
    }

    [Fact]
    public async Task Devices_FolderThatDoesNotFit_SaysWhatIsWrong()
    {
        (await Start([], "devices", "--libtorch", Program).WaitAsync()).Expect(3)
            .ExpectInErrors($"DEEPTRAIN_LIBTORCH is '{Program}': there is no libc10.so in it. Name the folder that has it");
        (await Start([], "devices", "--libtorch", Path.Combine(_root, "none")).WaitAsync()).Expect(2)
            .ExpectInErrors($"--libtorch: there is no folder '{Path.Combine(_root, "none")}'.");

        Replace("libtorch.so", "no library");
        (await Start([], "devices", "--libtorch", Libraries).WaitAsync()).Expect(3).ExpectInErrors("libtorch.so does not load: ");

        // A library, but without anything of what is needed.
        var other = Path.Combine(Libraries, "libc10.so");
        Replace("libtorch.so", null, other);
        Replace("libtorch_cpu.so", null, other);
        (await Start([], "devices", "--libtorch", Libraries).WaitAsync()).Expect(3)
            .ExpectInErrors("it does not fit this program: ").ExpectInErrors("Install the version of PyTorch");
    }

    private void Replace(string name, string? content, string? library = null)
    {
        var path = Path.Combine(Libraries, name);
        File.Delete(path);
        if (library is not null)
            File.Copy(library, path);
        else
            File.WriteAllText(path, content);
    }

    private DeepTrainProcess Start(Dictionary<string, string> environment, params string[] arguments)
    {
        var process = DeepTrainProcess.Start(Path.Combine(Program, DeepTrainProcess.CommandLineProgram), _root, arguments, environment);
        _processes.Add(process);
        return process;
    }
}

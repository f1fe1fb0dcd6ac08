using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsCheck;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Silo.Tests;

public class SettingsReaderTests
{
    private static readonly Dictionary<string, string> Cluster = new()
    {
        ["DEEPTRAIN_POSTGRES_HOST"] = "db.internal", ["DEEPTRAIN_REDIS_HOST"] = "redis.internal",
    };

    [Fact]
    public void Read_Nothing_IsTheEmbeddedSilo()
    {
        var settings = Read().Settings!;
        Assert.Null(settings.Cluster);
        Assert.Equal((SiloRole.Both, ".deeptrain", 11111, 30000, 9464), (settings.Role, settings.Data, settings.SiloPort, settings.GatewayPort, settings.MetricsPort));
        Assert.Equal(TimeSpan.FromSeconds(2), settings.ProbeTimeout);
        Assert.Equal(((int?)null, (DeviceKind?)null, false, (string?)null), (settings.Slots, settings.Device, settings.Tf32, settings.LibTorch));
        Assert.Equal((30, 5, 20), (settings.LeaseTimes.Lease.TotalSeconds, settings.LeaseTimes.Renewal.TotalSeconds, settings.LeaseTimes.WorkerDeadline.TotalSeconds));
    }

    [Fact]
    public void Read_Environment_WinsOverFile()
    {
        using var folder = new TemporaryFolder();
        var file = Write(folder, """
            {
              // who and where
              "role": "worker", "slots": 3, "device": "cuda", "tf32": true, "metricsPort": 0, "commands": ["python3 train.py", "sh run.sh"],
              "postgres": { "host": "file.internal", "port": 6000, "tls": "verify-full" },
              "redis": { "host": "redis.internal", "tls": true },
            }
            """);
        var settings = Read(file, new() { ["DEEPTRAIN_POSTGRES_HOST"] = "db.internal", ["DEEPTRAIN_ADDRESS"] = "10.0.0.7" }).Settings!;
        Assert.Equal((SiloRole.Worker, 3, (int?)null), (settings.Role, settings.Slots, settings.MetricsPort));
        Assert.Equal((DeviceKind.Cuda, true), (settings.Device, settings.Tf32));
        Assert.Equal(("db.internal", 6000, PostgresTls.VerifyFull), (settings.Cluster!.Postgres.Host, settings.Cluster.Postgres.Port, settings.Cluster.Postgres.Tls));
        Assert.Equal(("redis.internal", 6379, true), (settings.Cluster.Redis.Host, settings.Cluster.Redis.Port, settings.Cluster.Redis.Tls));
        Assert.Equal(IPAddress.Parse("10.0.0.7"), settings.Address);
        Assert.True(settings.Commands.Allows(["sh", "run.sh"]));
        Assert.False(settings.Commands.Allows(["sh"]));
    }

    [Theory]
    [InlineData("""[["sh", "-c", "a; b"]]""", true)]
    [InlineData("""["sh -c x", "python3 train.py"]""", false)]
    public void Read_CommandsInTheFile_AreListsOfWordsOrLines(string commands, bool allowed)
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(allowed, Read(Write(folder, $$"""{ "commands": {{commands}} }""")).Settings!.Commands.Allows(["sh", "-c", "a; b"]));
    }

    [Fact]
    public void Read_CommandsThatAreNoJson_SaysWhatIsExpected()
    {
        var problem = Assert.Single(Read(null, new() { ["DEEPTRAIN_COMMANDS"] = """[["sh", "-c]]""" }).Problems);
        Assert.StartsWith("""DEEPTRAIN_COMMANDS is '[["sh", "-c]]': expected command lines separated by ';', or JSON""", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ManyMistakes_TellsAllAtOnce()
    {
        using var folder = new TemporaryFolder();
        var file = Write(folder, """{ "postgres": { "hsot": "x", "port": 0 }, "leaseSeconds": "soon", "rol": "worker" }""");
        var reading = Read(file, new()
        {
            ["DEEPTRAIN_REDIS_HOST"] = "redis.internal", ["DEEPTRAIN_SLOTS"] = "-1", ["DEEPTRAIN_ADDRESS"] = "here",
            ["DEEPTRAIN_POSTGRES_CA"] = folder["none.pem"],
        });
        Assert.Null(reading.Settings);
        Assert.Collection(reading.Problems.Order(StringComparer.Ordinal),
            problem => Assert.Equal($"{file}: leaseSeconds is 'soon': expected a number of seconds from 3 to 3600.", problem),
            problem => Assert.Equal($"{file}: postgres.port is '0': expected a whole number from 1 to 65535.", problem),
            problem => Assert.Equal($"{file}: there is no setting 'postgres.hsot': did you mean 'postgres.host'?", problem),
            problem => Assert.Equal($"{file}: there is no setting 'rol': did you mean 'role'?", problem),
            problem => Assert.StartsWith("DEEPTRAIN_ADDRESS is 'here': expected an IP address", problem, StringComparison.Ordinal),
            problem => Assert.StartsWith($"DEEPTRAIN_POSTGRES_CA is '{folder["none.pem"]}': expected the path of a file", problem, StringComparison.Ordinal),
            problem => Assert.Contains("postgres.host (DEEPTRAIN_POSTGRES_HOST) is not", problem, StringComparison.Ordinal),
            problem => Assert.StartsWith("DEEPTRAIN_SLOTS is '-1'", problem, StringComparison.Ordinal));
    }

    [Fact]
    public void ReadForRun_EachSetting_HoldsOrIsNamedAsUnused()
    {
        var variables = new Dictionary<string, string>
        {
            ["DEEPTRAIN_OTLP"] = "http://collector:4318", ["DEEPTRAIN_GRACE_SECONDS"] = "7", ["DEEPTRAIN_LEASE_SECONDS"] = "12",
            ["DEEPTRAIN_PROBE_SECONDS"] = "3", ["DEEPTRAIN_CHECKPOINT_SECONDS"] = "4", ["DEEPTRAIN_SLOTS"] = "2", ["DEEPTRAIN_METRICS_PORT"] = "9000",
            ["DEEPTRAIN_DEVICE"] = "cpu", ["DEEPTRAIN_TF32"] = "true", ["DEEPTRAIN_COMMANDS"] = "sh run.sh",
            ["DEEPTRAIN_ROLE"] = "nonsense", ["DEEPTRAIN_POSTGRES_HOST"] = "db.internal", ["DEEPTRAIN_DATA"] = "/shared",
        };

        var reading = SettingsReader.ReadForRun(null, variables);
        var settings = EmbeddedSettings.OfRun(reading, Assert.Fail);

        Assert.Equal(["DEEPTRAIN_ROLE", "DEEPTRAIN_DATA", "DEEPTRAIN_POSTGRES_HOST"], reading.Unused);
        Assert.Equal((new Uri("http://collector:4318"), 2, 9000, DeviceKind.Cpu, true),
            (settings.Otlp, settings.Slots, settings.MetricsPort, settings.Device, settings.Tf32));
        Assert.Equal((7, 12, 3, 4), (settings.Grace.TotalSeconds, settings.LeaseTimes.Lease.TotalSeconds, settings.ProbeTimeout.TotalSeconds,
            settings.CheckpointInterval.TotalSeconds));
        Assert.Equal((true, false), (settings.Commands.Allows(["sh", "run.sh"]), settings.Commands.Allows(["sh", "other.sh"])));
    }

    [Fact]
    public void ReadForRun_Nothing_IsWhatAPersonAtATerminalExpects()
    {
        var settings = EmbeddedSettings.OfRun(SettingsReader.ReadForRun(null, new Dictionary<string, string>()), Assert.Fail);

        Assert.Equal((120, true, 9464), (settings.Grace.TotalSeconds, settings.Commands.Allows(["any"]), settings.MetricsPort));
    }

    [Fact]
    public void ReadForRun_VariableThatIsAlmostASetting_IsAProblem() => Assert.Equal(
        ["DEEPTRAIN_GRACE_SECOND is no setting: did you mean 'DEEPTRAIN_GRACE_SECONDS'?"],
        SettingsReader.ReadForRun(null, new Dictionary<string, string> { ["DEEPTRAIN_GRACE_SECOND"] = "7" }).Problems);

    [Fact]
    public void Read_VariableThatIsAlmostASetting_IsAProblem()
    {
        var reading = Read(null, new()
        {
            ["DEEPTRAIN_POSTGRESS_HOST"] = "x", ["DEEPTRAIN_SLOT"] = "3", ["DEEPTRAIN_SETTINGS"] = "",
            // Not ours: what a test is told, and what Kubernetes tells every pod of a service called deeptrain-coordinator.
            ["DEEPTRAIN_CHAOS_SEEDS"] = "1", ["DEEPTRAIN_COORDINATOR_SERVICE_HOST"] = "10.0.0.1", ["DEEPTRAIN_COORDINATOR_PORT_30000_TCP"] = "tcp://x",
        });

        Assert.Null(reading.Settings);
        Assert.Equal(
            ["DEEPTRAIN_POSTGRESS_HOST is no setting: did you mean 'DEEPTRAIN_POSTGRES_HOST'?", "DEEPTRAIN_SLOT is no setting: did you mean 'DEEPTRAIN_SLOTS'?"],
            reading.Problems);
    }

    [Fact]
    public void Read_NonsenseForEachSetting_IsOneProblemEachAllTogether()
    {
        using var folder = new TemporaryFolder();
        var settings = SettingsTable.All.Where(setting => setting.Expected != "text").ToList();
        var root = new JsonObject();
        foreach (var setting in settings)
        {
            var path = setting.Name.Split('.');
            var section = root;
            foreach (var part in path[..^1])
                section = (JsonObject)(section[part] ??= new JsonObject());
            section[path[^1]] = "[";
        }
        var file = Write(folder, root.ToJsonString());

        AssertProblems(Read(file), setting => $"{file}: {setting.Name} is '[': expected ");
        AssertProblems(Read(file, settings.ToDictionary(setting => setting.Variable, _ => "[")), setting => $"{setting.Variable} is '[': expected ");

        void AssertProblems(SettingsReading reading, Func<Setting, string> expected)
        {
            Assert.Null(reading.Settings);
            Assert.Equal(settings.Count, reading.Problems.Length);
            Assert.All(settings, setting => Assert.Single(
                reading.Problems, problem => problem.StartsWith(expected(setting), StringComparison.Ordinal)));
        }
    }

    [Theory]
    [InlineData("DEEPTRAIN_POSTGRES_CA", null, "postgres.tls (DEEPTRAIN_POSTGRES_TLS)", "set it to verify-full")]
    [InlineData("DEEPTRAIN_POSTGRES_CA", "require", "postgres.tls (DEEPTRAIN_POSTGRES_TLS)", "set it to verify-full")]
    [InlineData("DEEPTRAIN_POSTGRES_CA", "verify-ca")]
    [InlineData("DEEPTRAIN_POSTGRES_CA", "verify-full")]
    [InlineData("DEEPTRAIN_REDIS_CA", null, "redis.tls (DEEPTRAIN_REDIS_TLS)", "set it to true")]
    [InlineData("DEEPTRAIN_REDIS_CA", "false", "redis.tls (DEEPTRAIN_REDIS_TLS)", "set it to true")]
    [InlineData("DEEPTRAIN_REDIS_CA", "true")]
    public void Read_AuthorityThatNothingIsCheckedBy_IsRefusedWithTheRemedy(string variable, string? tls, params string[] told)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["ca.crt"], "");
        var variables = new Dictionary<string, string>(Cluster) { [variable] = folder["ca.crt"] };
        if (tls is not null)
            variables[variable.Replace("_CA", "_TLS", StringComparison.Ordinal)] = tls;

        var problems = Read(null, variables).Problems;

        Assert.Equal(told.Length > 0, problems.Length == 1);
        Assert.All(told, text => Assert.Contains(text, problems[0], StringComparison.Ordinal));
        Assert.All(problems, problem => Assert.StartsWith($"{variable} is given", problem, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_RoleWithoutServers_IsRefused() =>
        Assert.Contains("a silo is alone", Assert.Single(Read(null, new() { ["DEEPTRAIN_ROLE"] = "worker" }).Problems), StringComparison.Ordinal);

    [Fact]
    public void Read_PasswordFile_IsItsContentWithoutTheLastLineBreak()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["password"], "s3cret \n");
        var variables = new Dictionary<string, string>(Cluster) { ["DEEPTRAIN_POSTGRES_PASSWORD_FILE"] = folder["password"] };
        Assert.Equal("s3cret ", Read(null, variables).Settings!.Cluster!.Postgres.Password);

        variables["DEEPTRAIN_POSTGRES_PASSWORD"] = "other";
        var problem = Assert.Single(Read(null, variables).Problems);
        Assert.Contains("are both given", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("other", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_Printed_KeepTheirSecrets()
    {
        var variables = new Dictionary<string, string>(Cluster)
        {
            ["DEEPTRAIN_POSTGRES_PASSWORD"] = "hidden-one", ["DEEPTRAIN_REDIS_PASSWORD"] = "hidden-two",
        };
        var settings = Read(null, variables).Settings!;
        Assert.Equal("hidden-two", settings.Cluster!.Redis.Password);
        Assert.DoesNotContain("hidden", $"{settings} {settings.Cluster} {settings.Cluster.Postgres} {settings.Cluster.Redis}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{ \"slots\": 1, \"slots\": 2 }")]
    [InlineData("{ \"slots\": ")]
    [InlineData("\0\u0001")]
    public void Read_BrokenFile_NamesIt(string content)
    {
        using var folder = new TemporaryFolder();
        var file = Write(folder, content);
        Assert.StartsWith(file, Assert.Single(Read(file).Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FileThatIsNotThere_NamesIt() =>
        Assert.StartsWith("/none/silo.json: the settings cannot be read", Assert.Single(Read("/none/silo.json").Problems), StringComparison.Ordinal);

    [Fact]
    public void Read_AnyTexts_NeverThrows() => Gen.Select(Gen.Int[0, SettingsTable.All.Length - 1], Gen.String).Array.Sample(values =>
    {
        var variables = new Dictionary<string, string>();
        foreach (var (index, text) in values)
            variables[SettingsTable.All[index].Variable] = text;
        var reading = Read(null, variables);
        Assert.True((reading.Settings is null) == (reading.Problems.Length > 0));
    });

    [Fact]
    public void Variable_OfEachSetting_IsItsNameInUpperCase()
    {
        Assert.Equal("DEEPTRAIN_POSTGRES_PASSWORD_FILE", SettingsTable.PostgresPasswordFile.Variable);
        Assert.Equal(SettingsTable.All.Length, SettingsTable.All.Select(setting => setting.Variable).Distinct().Count());
        Assert.All(SettingsTable.All, setting => Assert.Matches(new Regex("^DEEPTRAIN(_[A-Z][A-Z0-9]*)+$"), setting.Variable));
    }

    private static SettingsReading Read(string? file = null, Dictionary<string, string>? variables = null) =>
        SettingsReader.Read(file, variables ?? []);

    private static string Write(TemporaryFolder folder, string content)
    {
        File.WriteAllText(folder["silo.json"], content);
        return folder["silo.json"];
    }
}

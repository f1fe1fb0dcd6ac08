using System.Diagnostics;
using Npgsql;

namespace DeepTrain.Cluster.Servers;

internal enum PostgresStop
{
    /// <summary>Ends its sessions, writes a checkpoint.</summary>
    Fast,

    /// <summary>Ends at once; recovers from its log when started again.</summary>
    Immediate,
}

/// <summary>
/// A PostgreSQL of its own in a temporary folder, on a loopback port that it keeps over restarts; it and its folder are gone when
/// disposed.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private const int Interrupt = 2;
    private const int Quit = 3;
    private const int KillSignal = 9;

    private readonly string _root;
    private readonly string _data;
    private readonly string[] _options;
    private ServerProcess? _process;
    private int _databases;

    private PostgresServer(string root, string data, string[] options)
    {
        _root = root;
        _data = data;
        _options = options;
    }

    public string Host { get; } = "127.0.0.1";

    public int Port { get; } = LoopbackPort.Free();

    public string User { get; } = "deeptrain";

    public string Password { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Skips the test, by name, where PostgreSQL's programs are missing.</summary>
    public static void SkipWhereMissing() => Prerequisite.Require(Missing is null, Missing ?? "");

    /// <summary>What is missing to start one; null: nothing.</summary>
    public static string? Missing =>
        InstalledPrograms.OfPostgres("initdb") is null || InstalledPrograms.OfPostgres("postgres") is null
            ? "PostgreSQL's server is not installed (Debian: postgresql)."
            : Environment.IsPrivilegedProcess && InstalledPrograms.OnPath("setpriv") is null
                ? "PostgreSQL does not run as root, and there is no setpriv to start it as another user."
                : null;

    /// <param name="options">More settings of the server, as <c>name=value</c>.</param>
    public static Task<PostgresServer> StartAsync(params string[] options)
    {
        SkipWhereMissing();
        var root = MakeFolder();
        return StartAsync(new PostgresServer(root, Path.Combine(root, "data"), options));
    }

    /// <summary>Its tables lie in an empty folder of the caller's, its log does not: where that finds no space, PostgreSQL ends.</summary>
    public static Task<PostgresServer> StartOnAsync(string folder)
    {
        SkipWhereMissing();
        return StartAsync(new PostgresServer(MakeFolder(), Path.Combine(folder, "data"), []));
    }

    private static async Task<PostgresServer> StartAsync(PostgresServer server)
    {
        try
        {
            await server.InitializeAsync();
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes a database, empty or a copy of another; returns its name.</summary>
    public async Task<string> CreateDatabaseAsync(string template = "template1")
    {
        var name = $"deeptrain{Interlocked.Increment(ref _databases)}";
        await using var source = NpgsqlDataSource.Create(ConnectionString("postgres"));
        await using var command = source.CreateCommand($"CREATE DATABASE {name} TEMPLATE {template}");
        await command.ExecuteNonQueryAsync();
        return name;
    }

    public string ConnectionString(string database) =>
        $"Host={Host};Port={Port};Username={User};Password={Password};Database={database};Pooling=false";

    /// <summary>It is down until <see cref="StartAgainAsync"/>.</summary>
    public async Task StopAsync(PostgresStop how)
    {
        if (_process is not { } process)
            return;
        await process.EndAsync(how is PostgresStop.Fast ? Interrupt : Quit);
        await ForgetAsync();
    }

    /// <summary>SIGKILL: its other processes end when they see that their parent has.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process)
            return;
        await process.EndAsync(KillSignal);
        await ForgetAsync();
    }

    public async Task RestartAsync(PostgresStop how)
    {
        await StopAsync(how);
        await StartAgainAsync();
    }

    public async Task StartAgainAsync()
    {
        string[] settings =
        [
            $"listen_addresses={Host}", $"port={Port}", "unix_socket_directories=", "max_connections=200",
            // What a process leaves to the system survives it; only the machine's own death would need more, and no test brings it.
            "fsync=off", .. _options,
        ];
        _process = await ServerProcess.StartAsync(
            Program("postgres", ["-D", _data, .. settings.SelectMany(setting => new[] { "-c", setting })]),
            "database system is ready to accept connections");
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(PostgresStop.Immediate);
        Directory.Delete(_root, recursive: true);
    }

    /// <summary>Root's temporary folder may lie where the server's own user cannot come.</summary>
    private static string MakeFolder()
    {
        if (!Environment.IsPrivilegedProcess || IsOpenToAll(Path.GetTempPath()))
            return Directory.CreateTempSubdirectory("deeptrain-pg-").FullName;
        return Directory.CreateDirectory($"/tmp/deeptrain-pg-{Guid.NewGuid():N}").FullName;
    }

    private static bool IsOpenToAll(string path)
    {
        for (var folder = new DirectoryInfo(path); folder is not null; folder = folder.Parent)
        {
            if (!folder.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
                return false;
        }
        return true;
    }

    private async Task ForgetAsync()
    {
        await _process!.DisposeAsync();
        _process = null;
    }

    private async Task InitializeAsync()
    {
        var password = Path.Combine(_root, "password");
        await File.WriteAllTextAsync(password, Password);
        if (Environment.IsPrivilegedProcess)
            await RunAsync(new("chown", ["-R", "postgres", _root, Path.GetDirectoryName(_data)!]));
        await RunAsync(Program("initdb",
            ["-D", _data, "--waldir", Path.Combine(_root, "wal"), "-U", User, "--pwfile", password, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"]));
        File.Delete(password);
    }

    /// <summary>PostgreSQL refuses to be root. As its own user it may pass through folders that are closed to others, as root may.</summary>
    private static ProcessStartInfo Program(string name, string[] arguments)
    {
        var program = InstalledPrograms.OfPostgres(name)!;
        const string passing = "+dac_override,+dac_read_search";
        return Environment.IsPrivilegedProcess
            ? new("setpriv",
                ["--reuid=postgres", "--regid=postgres", "--clear-groups", $"--inh-caps={passing}", $"--ambient-caps={passing}",
                    program, .. arguments])
            : new(program, arguments);
    }

    private static async Task RunAsync(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0,
            $"'{start.FileName} {string.Join(' ', start.ArgumentList)}' ended with {process.ExitCode}.{Environment.NewLine}{errors}{await output}");
    }
}

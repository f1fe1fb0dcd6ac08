using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace DeepTrain.Cluster.Servers;

/// <summary>
/// A Redis of its own with append-only files in a temporary folder, on a loopback port that it keeps over restarts; it and its folder are
/// gone when disposed.
/// </summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const int Terminate = 15;
    private const int KillSignal = 9;

    private readonly string _root = Directory.CreateTempSubdirectory("deeptrain-redis-").FullName;
    private readonly string[] _options;
    private ServerProcess? _process;

    private RedisServer(string? password, string[] options)
    {
        Password = password;
        _options = options;
    }

    public string Host { get; } = "127.0.0.1";

    public int Port { get; } = LoopbackPort.Free();

    /// <summary>Null: everybody may.</summary>
    public string? Password { get; }

    /// <summary>What is missing to start one; null: nothing.</summary>
    public static string? Missing =>
        InstalledPrograms.OnPath("redis-server") is null ? "Redis is not installed (Debian: redis-server)." : null;

    /// <summary>Skips the test, by name, where Redis is missing.</summary>
    public static void SkipWhereMissing() => Prerequisite.Require(Missing is null, Missing ?? "");

    /// <param name="options">More of its command line, such as <c>--maxclients</c>, <c>10</c>.</param>
    public static async Task<RedisServer> StartAsync(string? password = null, params string[] options)
    {
        SkipWhereMissing();
        var server = new RedisServer(password, options);
        try
        {
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public Task StopAsync() => EndAsync(Terminate);

    public Task KillAsync() => EndAsync(KillSignal);

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAgainAsync();
    }

    public async Task StartAgainAsync()
    {
        string[] arguments =
        [
            "--bind", Host, "--port", $"{Port}", "--dir", _root, "--appendonly", "yes", "--appendfsync", "always", "--save", "",
            .. Password is null ? Array.Empty<string>() : ["--requirepass", Password], .. _options,
        ];
        _process = await ServerProcess.StartAsync(
            new ProcessStartInfo(InstalledPrograms.OnPath("redis-server")!, arguments), "Ready to accept connections");
    }

    /// <summary>Forgets everything (FLUSHALL).</summary>
    public Task FlushAsync() => CommandAsync("FLUSHALL");

    /// <summary>Sends one command and returns the first line of what it answers.</summary>
    public async Task<string> CommandAsync(string command)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(Host, Port);
        using var stream = client.GetStream();
        using var reader = new StreamReader(stream);
        if (Password is not null)
            await AskAsync($"AUTH {Password}");
        return await AskAsync(command);

        async Task<string> AskAsync(string line)
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes($"{line}\r\n"));
            var answer = await reader.ReadLineAsync() ?? "";
            return answer.StartsWith('-') ? throw new InvalidOperationException($"Redis answers '{answer}'.") : answer;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_root, recursive: true);
    }

    private async Task EndAsync(int signal)
    {
        if (_process is not { } process)
            return;
        await process.EndAsync(signal);
        await process.DisposeAsync();
        _process = null;
    }
}

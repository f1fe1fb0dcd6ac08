using System.CommandLine;
using System.Runtime.InteropServices;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.Monitoring;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Storage.Postgres;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Native;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Hosting;

/// <summary>The command line of a silo's process.</summary>
internal static class SiloVerbs
{
    private const int Done = 0;
    private const int BadSettings = 2;
    private const int NoConnection = 3;

    public static Option<string?> Settings { get; } = new("--settings")
    {
        Description = $"The settings file, JSON; by default what {SettingsReader.FileVariable} names. The environment wins over it.",
        HelpName = "FILE",
        Recursive = true,
    };

    public static Command Run() => Verb("run", "Serve until asked to end; the verb may be left out.", RunAsync);

    public static Command Migrate() => Verb("migrate",
        "Bring the PostgreSQL database up to date; safe to repeat, and to run at the same time.", MigrateAsync);

    public static Command Show() => Verb("settings", "Print all settings and where each was given; secrets are not shown.", (reading, _) =>
    {
        foreach (var setting in SettingsTable.All)
        {
            var given = reading.Texts.FirstOrDefault(text => text.Setting == setting);
            var value = given.Setting is null ? setting.DefaultText ?? "-" : setting.IsSecret ? "(secret)" : given.Text;
            Console.WriteLine($"{setting.Name,-22} {value,-28} {given.Source ?? setting.Variable + " is not set"}");
        }
        return Task.FromResult(Done);
    });

    /// <summary>Runs one command line: signals become cancellation, errors become messages on stderr and exit codes.</summary>
    public static async Task<int> InvokeAsync(RootCommand root, string[] args)
    {
        root.SetAction((parsed, cancellation) => WithSettings(parsed, RunAsync, cancellation));
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                await Console.Error.WriteLineAsync($"error: {error.Message}");
            await Console.Error.WriteLineAsync("See: silo --help");
            return BadSettings;
        }

        using var ending = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        try
        {
            return await parsed.InvokeAsync(
                new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            return Done;
        }

        void End(PosixSignalContext signal)
        {
            // The first signal asks for a clean end; a second one ends the process at once.
            signal.Cancel = !ending.IsCancellationRequested;
            ending.Cancel();
        }
    }

    private static Command Verb(string name, string description, Func<SettingsReading, CancellationToken, Task<int>> act)
    {
        var command = new Command(name, description);
        command.SetAction((parsed, cancellation) => WithSettings(parsed, act, cancellation));
        return command;
    }

    private static async Task<int> WithSettings(
        ParseResult parsed, Func<SettingsReading, CancellationToken, Task<int>> act, CancellationToken cancellation)
    {
        var reading = SettingsReader.Read(parsed.GetValue(Settings), SettingsReader.Variables());
        foreach (var problem in reading.Problems)
            await Console.Error.WriteLineAsync($"error: {problem}");
        if (reading.Settings is not { } settings)
            return BadSettings;
        try
        {
            return await act(reading, cancellation);
        }
        catch (Exception exception) when (exception is StoreException or TrainerException or IOException)
        {
            SiloLog.Write(settings.LogFormat, LogLevel.Critical, exception.Message);
            return NoConnection;
        }
    }

    private static async Task<int> RunAsync(SettingsReading reading, CancellationToken cancellation)
    {
        var settings = reading.Settings!;
        TorchRuntime.UseFolder(settings.LibTorch);
        if (settings.Cluster is { } servers)
            await ClusterSilo.RunAsync(settings, servers, TimeProvider.System, cancellation);
        else
            await EmbeddedSilo.RunAsync(settings, TimeProvider.System, cancellation);
        return Done;
    }

    private static async Task<int> MigrateAsync(SettingsReading reading, CancellationToken cancellation)
    {
        if (reading.Settings!.Cluster is not { } servers)
        {
            await Console.Error.WriteLineAsync(
                $"error: there is no database to migrate: {SettingsTable.PostgresHost.Variable} is not set. A silo alone migrates its own store.");
            return BadSettings;
        }
        await PostgresDatabase.MigrateAsync(servers.Postgres, cancellation);
        SiloLog.Write(reading.Settings.LogFormat, LogLevel.Information, $"{servers.Postgres} is up to date");
        return Done;
    }
}

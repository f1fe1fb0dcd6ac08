using System.CommandLine;
using System.CommandLine.Parsing;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Client.CommandLine;

internal enum OutputFormat
{
    Table,
    Json,
    Csv,
}

/// <summary>Options and arguments that several verbs share, so that all verbs read them in the same way.</summary>
internal static class CommonOptions
{
    public const string DefaultData = ".deeptrain";

    /// <summary>A global option, which every verb accepts.</summary>
    public static Option<string> Data { get; } = new("--data")
    {
        Description = "The folder of sweeps, results and logs.",
        DefaultValueFactory = _ => DefaultData,
        HelpName = "DIR",
        Recursive = true,
        Validators =
        {
            result =>
            {
                if (result.Tokens is [{ Value: var path }] && string.IsNullOrWhiteSpace(path))
                    result.AddError("--data needs the name of a folder.");
            },
        },
    };

    /// <inheritdoc cref="Data"/>
    public static Option<bool> Cluster { get; } = new("--cluster")
    {
        Description = "Work with the cluster that the settings name; they are in the environment or in the file of --settings.",
        Recursive = true,
    };

    /// <inheritdoc cref="Data"/>
    public static Option<string?> SettingsFile { get; } = new("--settings")
    {
        Description = $"The cluster's settings file; by default what {SettingsReader.FileVariable} names.",
        HelpName = "FILE",
        Recursive = true,
    };

    /// <inheritdoc cref="Data"/>
    public static Option<OutputFormat> Format { get; } = new("--format")
    {
        Description = "How results are written to stdout; table by default.",
        DefaultValueFactory = _ => OutputFormat.Table,
        HelpName = "table|json|csv",
        Recursive = true,
        CustomParser = result => Enum.TryParse<OutputFormat>(result.Tokens[0].Value, ignoreCase: true, out var format)
            && !char.IsAsciiDigit(result.Tokens[0].Value[0])
            ? format
            : Fail<OutputFormat>(result, "--format is one of table, json, csv."),
    };

    /// <inheritdoc cref="Data"/>
    public static Option<string?> Datasets { get; } = new("--datasets")
    {
        Description = $"A folder with the files of fashion-mnist or mnist; by default what {DatasetSources.Variable} says.",
        HelpName = "DIR",
        Recursive = true,
        Validators =
        {
            result =>
            {
                if (result.Tokens is [{ Value: var path }] && !Directory.Exists(path))
                    result.AddError($"--datasets: there is no folder '{path}'.");
            },
        },
    };

    /// <inheritdoc cref="Data"/>
    public static Option<string?> LibTorch { get; } = new("--libtorch")
    {
        Description = "A folder whose libtorch is used instead of the one beside the program, such as torch/lib of a Python installation; "
            + $"by default what {TorchRuntime.FolderVariable} says.",
        HelpName = "DIR",
        Recursive = true,
        Validators =
        {
            result =>
            {
                if (result.Tokens is [{ Value: var path }] && !Directory.Exists(path))
                    result.AddError($"--libtorch: there is no folder '{path}'.");
            },
        },
    };

    public static Option<int?> Slots() => new("--slots")
    {
        Description = "How many cohorts of trials train at the same time; by default what DEEPTRAIN_SLOTS says, else one per core, or one per GPU.",
        HelpName = "N",
        CustomParser = result => int.TryParse(result.Tokens[0].Value, out var slots) && slots is >= 1 and <= 1024
            ? slots
            : Fail<int?>(result, "--slots is a whole number from 1 to 1024."),
    };

    public static Option<int?> MetricsPort() => new("--metrics-port")
    {
        Description = $"The loopback port of /metrics, for Prometheus; 0 for none; by default what {SettingsTable.MetricsPort.Variable} says, "
            + $"else {SettingsTable.MetricsPort.DefaultText}.",
        HelpName = "PORT",
        CustomParser = result => int.TryParse(result.Tokens[0].Value, out var port) && port is >= 0 and <= 65535
            ? port
            : Fail<int?>(result, "--metrics-port is a port from 1 to 65535, or 0."),
    };

    public static Argument<string> SweepFile() => new("file") { Description = "The sweep file; - for standard input.", HelpName = "FILE" };

    public static Argument<string> Sweep() => new("id")
    {
        Description = "A sweep's id, its name (the latest of that name), or the unique beginning of an id. "
            + "What ends as ids do, with a hyphen and a number, is taken for a whole id.",
        HelpName = "ID",
    };

    /// <summary>The sources of data sets according to the command line.</summary>
    public static DatasetSources Sources(ParseResult parsed) =>
        parsed.GetValue(Datasets) is { } folder ? DatasetSources.Default with { Given = Path.GetFullPath(folder) } : DatasetSources.Default;

    /// <summary>The settings for training in this process. Options of the command line override other settings.</summary>
    /// <exception cref="UserException">The settings are invalid; the problems have been printed.</exception>
    public static EmbeddedSettings RunSettings(ParseResult parsed, int? slots, int? metricsPort)
    {
        var reading = SettingsReader.ReadForRun(parsed.GetValue(SettingsFile), SettingsReader.Variables());
        if (reading.Unused.Length > 0 && !parsed.GetValue(Cluster))
            Console.Error.WriteLine($"note: without --cluster these settings do not hold: {string.Join(", ", reading.Unused)}. --data names the folder of a run.");
        var settings = Embedded(reading);
        if (parsed.GetValue(LibTorch) is null)
            TorchRuntime.UseFolder(reading.Settings!.LibTorch);
        return settings with
        {
            Slots = slots ?? settings.Slots,
            MetricsPort = metricsPort is { } port ? (port == 0 ? null : port) : settings.MetricsPort,
            Datasets = parsed.GetValue(Datasets) is null ? settings.Datasets : Sources(parsed),
        };
    }

    /// <summary>The settings for changing a data folder without training.</summary>
    /// <exception cref="UserException">The settings are invalid; the problems have been printed.</exception>
    public static EmbeddedSettings OwnerSettings(string? settingsFile) =>
        Embedded(SettingsReader.ReadForRun(settingsFile, SettingsReader.Variables())) with { Slots = 0, MetricsPort = null };

    private static EmbeddedSettings Embedded(SettingsReading reading)
    {
        foreach (var problem in reading.Problems)
            Console.Error.WriteLine(problem);
        return reading.Settings is null
            ? throw new UserException(ExitCode.BadInput, "the settings are not valid.")
            : EmbeddedSettings.OfRun(reading, message => Console.Error.WriteLine($"warning: {message}"));
    }

    public static T? Fail<T>(ArgumentResult result, string message)
    {
        result.AddError(message);
        return default;
    }
}

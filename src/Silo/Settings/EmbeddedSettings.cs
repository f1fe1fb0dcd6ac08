using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Silo.Settings;

/// <summary>The settings of an embedded silo.</summary>
/// <param name="Slots">How many slots train; null: one per core, or one per GPU; 0: the silo only coordinates.</param>
/// <param name="MetricsPort">The loopback port of <c>/metrics</c>; null for none.</param>
/// <param name="Warn">Shows warnings to the user.</param>
public sealed record EmbeddedSettings(int? Slots, int? MetricsPort, Action<string> Warn)
{
    /// <summary>The grace period of a run; a user at a terminal can shorten it with a second signal.</summary>
    private static readonly TimeSpan GraceOfRuns = TimeSpan.FromMinutes(2);

    /// <summary>Where data sets that are not embedded are searched.</summary>
    public DatasetSources Datasets { get; init; } = DatasetSources.Default;

    /// <summary>The most training time of a run that is repeated when the process dies.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where the spans of sweeps are sent; null: nowhere.</summary>
    public Uri? Otlp { get; init; }

    /// <summary>The kind of device to train on; null: GPUs if there are any, otherwise the processor.</summary>
    public DeviceKind? Device { get; init; }

    /// <summary>Whether GPUs may round the factors of products to TensorFloat-32.</summary>
    public bool Tf32 { get; init; }

    public LeaseTimes LeaseTimes { get; init; } = new();

    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The commands that trials may start here.</summary>
    public CommandPolicy Commands { get; init; } = CommandPolicy.Any;

    /// <summary>How long ending may take.</summary>
    public TimeSpan Grace { get; init; } = GraceOfRuns;

    /// <summary>The settings of a silo without a cluster.</summary>
    internal static EmbeddedSettings OfSilo(SiloSettings settings, Action<string> warn) => new(settings.Slots, settings.MetricsPort, warn)
    {
        Datasets = DatasetSources.Default with { Given = settings.Datasets },
        CheckpointInterval = settings.CheckpointInterval,
        Otlp = settings.Otlp,
        Device = settings.Device,
        Tf32 = settings.Tf32,
        LeaseTimes = settings.LeaseTimes,
        ProbeTimeout = settings.ProbeTimeout,
        Commands = settings.Commands,
        Grace = settings.Grace,
    };

    /// <summary>The settings of a run: its user has chosen the commands of the sweep file, and only that user waits for its end.</summary>
    /// <param name="reading">The result of <see cref="SettingsReader.ReadForRun"/>, without problems.</param>
    public static EmbeddedSettings OfRun(SettingsReading reading, Action<string> warn)
    {
        var settings = OfSilo(reading.Settings!, warn);
        return settings with
        {
            Datasets = reading.Gives(SettingsTable.Datasets) ? settings.Datasets : DatasetSources.Default,
            Commands = reading.Gives(SettingsTable.Commands) ? settings.Commands : CommandPolicy.Any,
            Grace = reading.Gives(SettingsTable.Grace) ? settings.Grace : GraceOfRuns,
        };
    }
}

using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Silo.Settings;

/// <summary>What an embedded silo is started with.</summary>
/// <param name="Slots">How many slots train; null: one a core, or one a GPU; 0 for a silo that only keeps the books.</param>
/// <param name="MetricsPort">The loopback port of <c>/metrics</c>; null for none.</param>
/// <param name="Warn">Where a person is told of what does not stop the work.</param>
public sealed record EmbeddedSettings(int? Slots, int? MetricsPort, Action<string> Warn)
{
    /// <summary>A person at a terminal who is in more of a hurry asks a second time.</summary>
    private static readonly TimeSpan GraceOfRuns = TimeSpan.FromMinutes(2);

    /// <summary>Where data sets are looked for that are not embedded.</summary>
    public DatasetSources Datasets { get; init; } = DatasetSources.Default;

    /// <summary>How much of a run is trained again at most when the process dies.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where spans over sweeps are sent; null: nowhere.</summary>
    public Uri? Otlp { get; init; }

    /// <summary>The kind of devices that train; null: GPUs where there are any, else the processor.</summary>
    public DeviceKind? Device { get; init; }

    /// <summary>Whether GPUs may round the factors of products to TensorFloat-32.</summary>
    public bool Tf32 { get; init; }

    public LeaseTimes LeaseTimes { get; init; } = new();

    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What trials may start here.</summary>
    public CommandPolicy Commands { get; init; } = CommandPolicy.Any;

    /// <summary>How long the end may take.</summary>
    public TimeSpan Grace { get; init; } = GraceOfRuns;

    /// <summary>Those of a silo that is alone.</summary>
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

    /// <summary>Those of a run: whoever starts it has chosen the commands of its sweep file, and nobody but that person waits for its end.</summary>
    /// <param name="reading">Of <see cref="SettingsReader.ReadForRun"/>, without problems.</param>
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

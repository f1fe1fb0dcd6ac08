using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>What a run under chaos came to.</summary>
/// <param name="LeaseSeconds">How long a silent worker keeps its trials.</param>
/// <param name="Faults">How many, by kind, while a silo that was active had trials in training.</param>
/// <param name="FewestActive">Silos that neither stood still, ended, started nor could find out yet that the others had given them up.</param>
/// <param name="OnCoordinator">How many of them struck the silo that kept the sweep's books.</param>
/// <param name="Resumes">How often a trial went on from a checkpoint under another lease.</param>
/// <param name="RefusedWrites">Writes under a fence no longer current, as far as the processes that counted them lived to tell.</param>
/// <param name="SelfEnded">Silos that ended themselves after they were woken.</param>
/// <param name="Unexpected">Silos that ended without being struck.</param>
/// <param name="LongestPause">Seconds without a row that became durable.</param>
/// <param name="QuietSeconds">How long the same sweep takes one process that nobody disturbs.</param>
internal sealed record ChaosReport(
    int Seed, double LeaseSeconds, Dictionary<Fault, int> Faults, int FewestActive, int OnCoordinator, int Trials, int Resumes, int Leases, double RefusedWrites, int SelfEnded,
    int Unexpected, double LongestPause, double Seconds, double QuietSeconds, string Verdict, IReadOnlyList<string> Events)
{
    /// <summary>Names a folder where each run's report is kept.</summary>
    private const string FolderVariable = "DEEPTRAIN_CHAOS_REPORTS";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    [JsonIgnore]
    public int FaultCount => Faults.Values.Sum();

    public override string ToString() => JsonSerializer.Serialize(this, Json);

    public void Keep()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is not { Length: > 0 } folder)
            return;
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, $"seed-{Seed:00}.json"), ToString() + "\n");
    }
}

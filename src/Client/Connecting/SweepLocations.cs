using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Silo.Settings;

namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>Finds the location that a command line names.</summary>
internal static class SweepLocations
{
    /// <summary>The location of this command line's sweeps.</summary>
    /// <exception cref="UserException">The settings of the cluster are invalid; the problems have been printed.</exception>
    public static SweepLocation Of(ParseResult parsed)
    {
        if (!parsed.GetValue(CommonOptions.Cluster))
        {
            // Without --cluster, an empty list of local sweeps could be mistaken for that of the cluster.
            if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(SettingsTable.PostgresHost.Variable)))
                Console.Error.WriteLine($"note: {SettingsTable.PostgresHost.Variable} names a cluster; without --cluster, this command uses the folder {parsed.GetValue(CommonOptions.Data)}.");
            return new FolderLocation(parsed.GetValue(CommonOptions.Data)!, parsed.GetValue(CommonOptions.SettingsFile));
        }
        var reading = SettingsReader.Read(parsed.GetValue(CommonOptions.SettingsFile), SettingsReader.Variables());
        foreach (var problem in reading.Problems)
            Console.Error.WriteLine(problem);
        if (reading.Settings is not { } settings)
            throw new UserException(ExitCode.BadInput, "the cluster's settings are not valid.");
        if (settings.Cluster is not { } servers)
            throw new UserException(ExitCode.BadInput,
                $"--cluster needs {SettingsTable.PostgresHost.Variable} and {SettingsTable.RedisHost.Variable}, or a settings file that names both.");
        return new ClusterLocation(
            parsed.GetResult(CommonOptions.Data) is { Implicit: false } ? settings with { Data = parsed.GetValue(CommonOptions.Data)! } : settings,
            servers, parsed.GetValue(CommonOptions.SettingsFile));
    }
}

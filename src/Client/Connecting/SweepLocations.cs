using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Silo.Settings;

namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>The location that a command line names.</summary>
internal static class SweepLocations
{
    /// <summary>Where this command line's sweeps are.</summary>
    /// <exception cref="UserException">The cluster's settings are broken; what is wrong has been written.</exception>
    public static SweepLocation Of(ParseResult parsed)
    {
        if (!parsed.GetValue(CommonOptions.Cluster))
        {
            // An empty list that is not the cluster's would pass for one that is.
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

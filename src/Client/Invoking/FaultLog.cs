using DeepTrain.Cluster.Silo.DataFolders;

namespace DeepTrain.Cluster.Client.Invoking;

/// <summary>Writes the stack traces of unexpected exceptions next to the logs of the data folder, for bug reports.</summary>
internal static class FaultLog
{
    private const string FileName = "faults.log";

    /// <returns>A sentence that says where the details are; empty where the folder cannot hold them.</returns>
    public static string Write(DataFolder folder, Exception exception)
    {
        var path = Path.Combine(folder.Logs, FileName);
        try
        {
            File.AppendAllText(path, $"{DateTimeOffset.UtcNow:u} {Environment.CommandLine}{Environment.NewLine}{exception}{Environment.NewLine}");
            return $" Its stack trace is in {path}.";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}

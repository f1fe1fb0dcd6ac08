using System.CommandLine;
using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Silo;

namespace DeepTrain.Cluster.Client;

/// <summary><c>cancel ID</c>: end a sweep; finished trials keep their results.</summary>
internal static class CancelVerb
{
    public static Command Create()
    {
        var id = CommonOptions.Sweep();
        var command = new Command("cancel", "End a sweep; its finished trials keep their results.") { id };
        command.SetAction((parsed, cancellation) => CancelAsync(
            parsed.GetValue(id)!, new(parsed.GetValue(CommonOptions.Data)!), parsed.GetValue(CommonOptions.Format), cancellation));
        return command;
    }

    private static async Task<int> CancelAsync(string id, DataFolder folder, OutputFormat format, CancellationToken cancellation)
    {
        var sweep = SweepSelector.Select(await new SqliteSweepReader(folder.Database).ListAsync(cancellation), id);
        await using var connection = await SweepConnection.OpenAsync(
            folder, CommonOptions.Settings(slots: 0, metricsPort: 0), TimeProvider.System, cancellation);
        var cancelled = await connection.Grains.GetGrain<ISweepGrain>(sweep.Id).Cancel();
        Output.WriteLine(format, cancelled ? $"{sweep.Id} is cancelled" : $"{sweep.Id} had ended before",
            ("sweepId", sweep.Id), ("cancelled", cancelled));
        return ExitCode.Done;
    }
}

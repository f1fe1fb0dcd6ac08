using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Rendering;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>validate FILE</c>: reports every error with its position, or describes the sweep.</summary>
internal static class ValidateVerb
{
    public static Command Create()
    {
        var file = CommonOptions.SweepFile();
        var command = new Command("validate", "Check a sweep file and say what it asks for; nothing is stored.") { file };
        command.SetAction(async (parsed, cancellation) =>
        {
            var sweep = (await SweepFiles.ReadAsync(parsed.GetValue(file)!, CommonOptions.Sources(parsed), cancellation)).Sweep;
            Output.WriteLine(
                parsed.GetValue(CommonOptions.Format),
                $"{sweep.Name}: {sweep.Cells.Length} cells x {sweep.Replicates} replicates = {sweep.TrialCount} trials",
                ("name", sweep.Name), ("cells", sweep.Cells.Length), ("replicates", sweep.Replicates), ("trials", sweep.TrialCount));
            return ExitCode.Done;
        });
        return command;
    }
}

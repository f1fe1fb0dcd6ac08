using System.CommandLine;
using DeepTrain.Cluster.Training;

namespace DeepTrain.Cluster.Client;

/// <summary><c>datasets</c>: what a sweep file may name as its data.</summary>
internal static class DatasetsVerb
{
    public static Command Create()
    {
        var command = new Command("datasets", "List the data sets.");
        command.SetAction(parsed =>
        {
            Output.WriteRows(
                parsed.GetValue(CommonOptions.Format),
                [("name", false), ("rows", true), ("features", true), ("classes", true), ("source", false)],
                [.. Datasets.All.Select(data => new[]
                {
                    data.Name, $"{data.Rows}", $"{data.Features}", $"{data.Classes}", data.Source,
                })],
                Datasets.All);
            return ExitCode.Done;
        });
        return command;
    }
}

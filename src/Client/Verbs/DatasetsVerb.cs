using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>datasets</c>: lists the data sets that a sweep file can name, and where they are.</summary>
internal static class DatasetsVerb
{
    public static Command Create()
    {
        var command = new Command("datasets", "List the data sets and where they are found.");
        command.SetAction(parsed =>
        {
            var sources = CommonOptions.Sources(parsed);
            var sets = Datasets.All.Select(data => (Data: data, Found: Datasets.WhereIs(data, sources))).ToList();
            Output.WriteRows(
                parsed.GetValue(CommonOptions.Format),
                [("name", false), ("rows", true), ("features", true), ("classes", true), ("source", false), ("found", false)],
                [
                    .. sets.Select(set => new[]
                    {
                        set.Data.Name, $"{set.Data.Rows}", $"{set.Data.Features}", $"{set.Data.Classes}", set.Data.Source, set.Found,
                    }),
                    ["csv", "-", "-", "-", "a table of your own with a header and a column of labels", "dataFile: PATH"],
                    ["npz", "-", "-", "-", "arrays x and y of your own, as numpy.savez writes them", "dataFile: PATH"],
                ],
                sets.Select(set => new
                {
                    set.Data.Name, set.Data.Rows, set.Data.Features, set.Data.Classes, set.Data.TestRows, set.Data.Image, set.Data.Source, set.Found,
                }));
            return ExitCode.Done;
        });
        return command;
    }
}

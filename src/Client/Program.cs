using System.CommandLine;
using DeepTrain.Cluster.Client;

var root = new RootCommand(
    "Sweeps that compare how deep networks are made to train. Start with: deeptrain run samples/quickstart.yaml")
{
    CommonOptions.Data,
    CommonOptions.Format,
    CommonOptions.Datasets,
    RunVerb.Create(),
    SubmitVerb.Create(),
    ListVerb.Create(),
    StatusVerb.Create(),
    WatchVerb.Create(),
    CancelVerb.Create(),
    ResultsVerb.Create(),
    ExportVerb.Create(),
    ValidateVerb.Create(),
    PlanVerb.Create(),
    DevicesVerb.Create(),
    DatasetsVerb.Create(),
};

return await Invocation.RunAsync(root, args);

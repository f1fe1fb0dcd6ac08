using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Invoking;
using DeepTrain.Cluster.Client.Verbs;

var root = new RootCommand(
    "Sweeps that compare how deep networks are made to train. Start with: deeptrain run samples/quickstart.yaml")
{
    CommonOptions.Data,
    CommonOptions.Format,
    CommonOptions.Datasets,
    CommonOptions.LibTorch,
    CommonOptions.Cluster,
    CommonOptions.SettingsFile,
    RunVerb.Create(),
    SubmitVerb.Create(),
    ListVerb.Create(),
    StatusVerb.Create(),
    WatchVerb.Create(),
    ControlVerbs.Pause(),
    ControlVerbs.Resume(),
    ControlVerbs.Cancel(),
    ControlVerbs.Retry(),
    ExtendVerb.Create(),
    DeleteVerb.Create(),
    PruneVerb.Create(),
    ResultsVerb.Create(),
    ExportVerb.Create(),
    ValidateVerb.Create(),
    PlanVerb.Create(),
    DevicesVerb.Create(),
    DatasetsVerb.Create(),
};

return await Invocation.RunAsync(root, args);

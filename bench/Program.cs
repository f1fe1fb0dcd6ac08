using System.CommandLine;
using DeepTrain.Cluster.Bench;

var format = new Option<string>("--format") { Description = "How the figures are printed.", DefaultValueFactory = _ => "table" };
format.AcceptOnlyFromAmong("table", "json");
var fusion = new Command("fusion", "Trial-steps per second: stock modules, one unfused trial per core, fused cohorts; in turn, on the same work.")
{
    format,
};
fusion.SetAction(parsed => Fusion.Run(Console.Out, Console.Error, json: parsed.GetValue(format) == "json"));
return new RootCommand("Ratios of DeepTrain.Cluster, each measured in one run.") { fusion }.Parse(args).Invoke();

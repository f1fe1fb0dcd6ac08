using System.CommandLine;
using DeepTrain.Cluster.Bench;
using DeepTrain.Cluster.Training.Native;

var format = new Option<string>("--format") { Description = "How the figures are printed.", DefaultValueFactory = _ => "table" };
format.AcceptOnlyFromAmong("table", "json");
var device = new Option<string>("--device") { Description = "What trains; on a GPU by the size of the cohort, in fp32 and in TF32.", DefaultValueFactory = _ => "cpu" };
device.AcceptOnlyFromAmong("cpu", "cuda");
var fusion = new Command("fusion", "Trial-steps per second: stock modules, one unfused trial per core, fused cohorts; in turn, on the same work.")
{
    format, device,
};
fusion.SetAction(parsed => parsed.GetValue(device) == "cpu"
    ? Fusion.Run(Console.Out, Console.Error, json: parsed.GetValue(format) == "json")
    : DeviceFusion.Run(
        TorchRuntime.Devices(DeviceKind.Cuda).Devices[0], Fusion.Works, Console.Out, Console.Error, json: parsed.GetValue(format) == "json"));

var store = new Option<string>("--store") { Description = "Where sweeps and results are.", DefaultValueFactory = _ => "sqlite" };
store.AcceptOnlyFromAmong("sqlite", "postgres");
var trials = new Option<int>("--trials") { Description = "All of one sweep.", DefaultValueFactory = _ => 10_000 };
var seconds = new Option<double>("--seconds") { Description = "How long each is said to train." };
var slots = new Option<int>("--slots") { Description = "How many train at a time.", DefaultValueFactory = _ => 16 };
var cohort = new Option<int?>("--cohort") { Description = "How many a slot trains together: by default 64 of no time, one of those that take some." };
var optuna = new Option<bool>("--optuna") { Description = "Take Optuna's figures too, where it is installed." };
var orchestration = new Command("orchestration", "What the way of a trial costs beside its training: simulated trials, all else as it is.")
{
    store, trials, seconds, slots, cohort, optuna, format,
};
orchestration.SetAction(parsed => Orchestration.RunAsync(
    new(parsed.GetValue(store)!, parsed.GetValue(trials), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(slots),
        parsed.GetValue(cohort) ?? (parsed.GetValue(seconds) > 0 ? 1 : 64), parsed.GetValue(optuna)),
    Console.Out, Console.Error, json: parsed.GetValue(format) == "json"));

var scraping = new Command("scraping", "What an answer of /metrics costs with ten active sweeps of fifty levels, to one scraper and to twenty at once.") { format };
scraping.SetAction(parsed => Scraping.RunAsync(Console.Out, Console.Error, json: parsed.GetValue(format) == "json"));

var processes = new Option<int>("--processes") { Description = "How many others keep a core busy each.", DefaultValueFactory = _ => 4 };
var rounds = new Option<int>("--rounds") { Description = "How often each is measured, in turn.", DefaultValueFactory = _ => 3 };
var busy = new Command("busy", "How much longer the quickstart takes beside processes that keep the cores busy.") { processes, rounds, format };
busy.SetAction(parsed => Busy.RunAsync(
    parsed.GetValue(processes), parsed.GetValue(rounds), Console.Out, Console.Error, json: parsed.GetValue(format) == "json"));

return await new RootCommand("Ratios of DeepTrain.Cluster, each measured in one run.") { fusion, orchestration, scraping, busy }.Parse(args).InvokeAsync();

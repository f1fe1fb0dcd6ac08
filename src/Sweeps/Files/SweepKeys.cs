using System.Collections.Immutable;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>
/// The keys of a sweep file besides the <see cref="Parameters"/> of its trials, for the parser, the JSON schema and the reference.
/// </summary>
internal static partial class SweepKeys
{
    /// <summary>The pattern of names, which become part of ids, paths and labels.</summary>
    public const string NamePattern = $"^{NameBody}$";

    private const string NameBody = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";

    public static readonly TextParameter DataFile = new("dataFile", Section.Sweep,
        "The file of a csv or npz data set; relative to the folder of this file.")
        { MaximumLength = 4_096, AppliesWhen = Parameters.DataContent.AppliesWhen };

    public static readonly IntegerParameter Replicates = new("replicates", Section.Sweep, 1,
        "How many times each cell is trained, each time with another split, data order and base random draws.")
        { Maximum = Sweep.TrialLimit };

    public static readonly ChoiceParameter EarlyStopping = new("earlyStopping", Section.Sweep, "none", ["none"],
        "Whether trials that promise little are ended early.");

    public static readonly ChoiceParameter Method = new("method", Section.Sweep, "grid", ["grid", "list", "random"],
        "How cells are drawn: every combination, the configurations listed, or random draws.");

    public static readonly IntegerParameter Trials = new("trials", Section.Sweep, null,
        "How many distinct cells are drawn; each is trained once a replicate.") { Maximum = Sweep.TrialLimit };

    public static readonly IntegerParameter Seed = new("seed", Section.Sweep, 0,
        "Which random cells are drawn; the same seed draws the same ones.") { Minimum = 0 };

    public static readonly ChoiceParameter Metric = new("metric", Section.Sweep, "validation.accuracy",
        ["validation.accuracy", "validation.loss", "train.loss"], "What trials are compared by, at the last epoch.");

    public static readonly ChoiceParameter Goal = new("goal", Section.Sweep, null, ["maximize", "minimize"],
        "Which way is better; by default maximize for an accuracy, minimize for a loss.");

    public static readonly ChoiceParameter Keep = new("keep", Section.Sweep, "best", ["best", "all", "none"],
        "Whose final weights are kept: the best cell's, all trials', or nobody's.");

    public static readonly IntegerParameter Priority = new("priority", Section.Sweep, 0,
        "Sweeps of a higher priority are served first; those of the same one share the slots fairly. No result depends on it.")
        { Minimum = -100, Maximum = 100 };

    public static readonly IntegerParameter MaxSlots = new("maxSlots", Section.Sweep, null,
        "The most slots that train this sweep at once; as many as there are if left out. No result depends on it.") { Maximum = 100_000 };

    public static readonly ChoiceParameter Device = new("device", Section.Sweep, null, ["cpu", "cuda"],
        "What trains: processors or GPUs, all trials on one kind; that of whoever takes the first trial if left out.");

    public static readonly IntegerParameter MaxAttempts = new("maxAttempts", Section.Sweep, 3,
        "How often a trial is tried that fails for a reason that may pass (out-of-memory, infrastructure), the first time included.")
        { Maximum = 100 };

    /// <summary>The keys at the top level, in their usual order.</summary>
    public static readonly ImmutableArray<(string Name, string Description)> TopLevel =
    [
        ("name", "The sweep's name: 1 to 63 lower-case letters, digits and inner hyphens."),
        Describe(Parameters.Dataset),
        Describe(DataFile),
        .. Parameters.Written.Where(parameter => parameter.Section == Section.Sweep && parameter != Parameters.Dataset).Select(Describe),
        Describe(Parameters.Trainer),
        ("network", "The network's fixed settings."),
        ("training", "The training's fixed settings."),
        ("space", "What varies: for each parameter its levels, or the domain that they are drawn from."),
        ("search", "How cells are drawn from the space; by default the grid of all combinations."),
        Describe(Replicates),
        ("objective", "What trials are compared by; by default validation.accuracy, maximize."),
        Describe(EarlyStopping),
        Describe(Keep),
        Describe(Priority),
        Describe(MaxSlots),
        Describe(MaxAttempts),
        Describe(Device),
        ("claims", "What the team expects: for a factor its levels from best to worst, such as elu > relu > tanh."),
    ];

    /// <summary>The parameters that can be factors.</summary>
    public static readonly ImmutableArray<string> Varying =
        [.. Parameters.All.Where(parameter => parameter.CanVary).Select(parameter => parameter.Name)];

    /// <summary>The keys that a search method takes besides its name.</summary>
    public static readonly ImmutableDictionary<string, ImmutableArray<string>> MethodKeys =
        ImmutableDictionary.CreateRange<string, ImmutableArray<string>>(
            [new("grid", []), new("list", [Configurations]), new("random", [Trials.Name, Seed.Name])]);

    public const string Configurations = "configurations";
    public const string When = "when";

    /// <summary>The keys that can declare the domain of a factor in a mapping.</summary>
    public static readonly ImmutableArray<string> DomainKeys = ["values", "choice", "uniform", "logUniform", "integer"];

    [GeneratedRegex($@"\A{NameBody}\z", RegexOptions.CultureInvariant)]
    public static partial Regex Name();

    private static (string, string) Describe(Parameter parameter) => (parameter.Name, parameter.Description);
}

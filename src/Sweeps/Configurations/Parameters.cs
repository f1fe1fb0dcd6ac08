using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps;

/// <summary>The table of every parameter a sweep file knows. A new parameter is a new line here and its use in the trainer.</summary>
public static class Parameters
{
    /// <summary>The most hidden layers, and the widest, that a file may ask for.</summary>
    public const int MaximumDepth = 1_000;
    public const int MaximumWidth = 65_536;

    public static readonly ChoiceParameter Dataset = new("dataset", Section.Sweep, null, ["digits"],
        "The data set: digits, 1,797 images of 8x8 pixels in 10 classes, embedded.") { Shared = true };

    public static readonly ChoiceParameter Split = new("split", Section.Sweep, "stratified", ["stratified", "fixed"],
        "How rows are parted into training, validation and test: anew in each replicate, by class; or once for all replicates.")
        { Shared = true };

    public static readonly NumberParameter ValidationFraction = new("validationFraction", Section.Sweep, 0.2,
        "The part of the rows that is kept for validation.")
        { Minimum = 0, Maximum = 0.9, MinimumExcluded = true, Shared = true };

    public static readonly NumberParameter TestFraction = new("testFraction", Section.Sweep, 0.1,
        "The part of the rows that is kept for the test at the end; it never steers anything.")
        { Minimum = 0, Maximum = 0.9, MinimumExcluded = true, Shared = true };

    public static readonly SizesParameter Hidden = new("hidden", Section.Network, null,
        "The sizes of the hidden layers, from input to output.")
        { MaximumLength = MaximumDepth, MaximumSize = MaximumWidth, Shared = true };

    /// <summary>With <see cref="Width"/> another way to write <see cref="Hidden"/>; a resolved configuration has only that.</summary>
    public static readonly IntegerParameter Depth = new("depth", Section.Network, null,
        "The number of hidden layers, all of the same width.") { Maximum = MaximumDepth, Shared = true };

    public static readonly IntegerParameter Width = new("width", Section.Network, null,
        "The size of each hidden layer.") { Maximum = MaximumWidth, Shared = true };

    public static readonly ChoiceParameter Initializer = new("initializer", Section.Network, "he-normal",
        ["xavier-uniform", "xavier-normal", "he-uniform", "he-normal", "lecun-uniform", "lecun-normal", "normal"],
        "The distribution that weights start from; its name fixes the variance, whatever the activation.");

    public static readonly NumberParameter InitializerStd = new("initializerStd", Section.Network, 0.01,
        "The standard deviation of the initializer 'normal'.")
        { Minimum = 0, MinimumExcluded = true, Maximum = 1e6, AppliesWhen = new(Initializer, ["normal"]) };

    public static readonly ChoiceParameter Activation = new("activation", Section.Network, "relu",
        ["logistic", "tanh", "relu", "leaky-relu", "prelu", "elu"],
        "The non-linearity of the hidden layers.");

    public static readonly NumberParameter LeakAlpha = new("leakAlpha", Section.Network, 0.01,
        "The slope of leaky-relu for negative inputs.")
        { Minimum = 0, Maximum = 1, AppliesWhen = new(Activation, ["leaky-relu"]) };

    public static readonly NumberParameter PreluAlpha = new("preluAlpha", Section.Network, 0.25,
        "The slope of prelu for negative inputs at the start; it is learned per trial and layer.")
        { Minimum = 0, Maximum = 1, AppliesWhen = new(Activation, ["prelu"]) };

    public static readonly NumberParameter EluAlpha = new("eluAlpha", Section.Network, 1,
        "The negative saturation of elu.")
        { Minimum = 0, MinimumExcluded = true, Maximum = 100, AppliesWhen = new(Activation, ["elu"]) };

    public static readonly FlagParameter BatchNorm = new("batchNorm", Section.Network, false,
        "Whether each hidden layer normalises its pre-activations over the mini-batch, before the activation.");

    public static readonly IntegerParameter Epochs = new("epochs", Section.Training, 20,
        "How many passes over the training data a trial makes.") { Maximum = 1_000_000, Shared = true };

    public static readonly IntegerParameter BatchSize = new("batchSize", Section.Training, 32,
        "The rows of a mini-batch; a last partial one is dropped.") { Maximum = 1_000_000, Shared = true };

    public static readonly ChoiceParameter Optimizer = new("optimizer", Section.Training, "sgd", ["sgd"],
        "The rule that updates the weights: sgd, with momentum.");

    public static readonly NumberParameter LearningRate = new("learningRate", Section.Training, 0.01,
        "The step size of the optimizer.") { Minimum = 0, MinimumExcluded = true, Maximum = 1e6 };

    public static readonly NumberParameter Momentum = new("momentum", Section.Training, 0,
        "The share of the last update that is carried into the next.") { Minimum = 0, Maximum = 1, MaximumExcluded = true };

    public static ImmutableArray<Parameter> All { get; } =
    [
        Dataset, Split, ValidationFraction, TestFraction,
        Hidden, Depth, Width, Initializer, InitializerStd, Activation, LeakAlpha, PreluAlpha, EluAlpha, BatchNorm,
        Epochs, BatchSize, Optimizer, LearningRate, Momentum,
    ];

    public static ImmutableDictionary<string, Parameter> ByName { get; } = All.ToImmutableDictionary(parameter => parameter.Name);
}

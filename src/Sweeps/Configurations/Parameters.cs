using System.Collections.Immutable;

namespace DeepTrain.Cluster.Sweeps.Configurations;

/// <summary>The table of all parameters of sweep files. A new parameter needs a line here and code in the trainer that uses it.</summary>
public static class Parameters
{
    /// <summary>The largest number of hidden layers that a file may ask for.</summary>
    public const int MaximumDepth = 1_000;
    public const int MaximumWidth = 65_536;

    /// <summary>The longest text that a file may pass to a command.</summary>
    public const int LongestText = 4_096;

    /// <summary>The kinds of trainers.</summary>
    public const string Fused = "fused";
    public const string Simulate = "simulate";
    public const string Command = "command";

    /// <summary>The initializers whose variance follows from a layer's connections.</summary>
    private static readonly ImmutableArray<string> ScaledInitializers =
        ["xavier-uniform", "xavier-normal", "he-uniform", "he-normal", "lecun-uniform", "lecun-normal"];

    public static readonly ChoiceParameter Dataset = new("dataset", Section.Sweep, null,
        ["digits", "fashion-mnist", "mnist", "csv", "npz"],
        "The data set: digits, 1,797 images of 8x8 pixels in 10 classes, embedded; fashion-mnist or mnist, 70,000 images of 28x28 pixels in 10 classes; or a file of your own.")
        { Shared = true };

    /// <summary>SHA-256 of the bytes of a data file. The cell depends on this content, not on the name of the file.</summary>
    public static readonly TextParameter DataContent = new("dataContent", Section.Sweep,
        "The SHA-256 of the data file.")
        { CameLater = true, IsDerived = true, Shared = true, AppliesWhen = new(Dataset, ["csv", "npz"]) };

    public static readonly TextParameter LabelColumn = new("labelColumn", Section.Sweep,
        "The column of a csv file that holds the classes; the last one if left out.")
        { CameLater = true, Shared = true, AppliesWhen = new(Dataset, ["csv"]) };

    public static readonly ChoiceParameter Trainer = new("trainer", Section.Sweep, Fused, [Fused, Simulate, Command],
        "What trains: fused, the program's own networks; simulate, nothing, for a fixed time; command, a program of yours, a process for each trial.")
        { CameLater = true, IsDerived = true, Shared = true };

    public static readonly NumberParameter SimulatedSeconds = new("simulateSeconds", Section.Trainer, 1,
        "How long a simulated trial takes, spread over its epochs.")
        { Path = "trainer.simulate.seconds", Minimum = 0, Maximum = 1e6, CameLater = true, IsDerived = true, Shared = true, AppliesWhen = new(Trainer, [Simulate]) };

    public static readonly NumberParameter SimulatedAccuracy = new("simulateAccuracy", Section.Trainer, 0.9,
        "What a simulated trial reports as its accuracy, at each epoch.")
        { Path = "trainer.simulate.accuracy", Minimum = 0, Maximum = 1, CameLater = true, IsDerived = true, Shared = true, AppliesWhen = new(Trainer, [Simulate]) };

    public static readonly IntegerParameter SimulatedCohort = new("simulateCohort", Section.Trainer, 1,
        "How many simulated trials a slot takes at once.")
        { Path = "trainer.simulate.cohort", Maximum = 10_000, CameLater = true, IsDerived = true, Shared = true, AppliesWhen = new(Trainer, [Simulate]) };

    public static readonly TextsParameter CommandLine = new("command", Section.Trainer,
        "The program that trains one trial, and its arguments.")
        { MaximumLength = 100, MaximumTextLength = LongestText, CameLater = true, IsDerived = true, Shared = true, AppliesWhen = new(Trainer, [Command]) };

    public static readonly ChoiceParameter Split = new("split", Section.Sweep, "stratified", ["stratified", "fixed"],
        "How rows are parted into training, validation and test: anew in each replicate, by class; or once for all replicates.")
        { Shared = true };

    public static readonly NumberParameter ValidationFraction = new("validationFraction", Section.Sweep, 0.2,
        "The part of the rows that is kept for validation.")
        { Minimum = 0, Maximum = 0.9, MinimumExcluded = true, Shared = true };

    public static readonly NumberParameter TestFraction = new("testFraction", Section.Sweep, 0.1,
        "The part of the rows that is kept for the test at the end; it never steers anything.")
        { Minimum = 0, Maximum = 0.9, MinimumExcluded = true, Shared = true, AppliesWhen = new(Dataset, ["digits", "csv", "npz"]) };

    public static readonly SizesParameter Hidden = new("hidden", Section.Network, null,
        "The sizes of the hidden layers, from input to output.")
        { MaximumLength = MaximumDepth, MaximumSize = MaximumWidth, Shared = true };

    /// <summary>With <see cref="Width"/>, another way to write <see cref="Hidden"/>, the form in resolved configurations.</summary>
    public static readonly IntegerParameter Depth = new("depth", Section.Network, null,
        "The number of hidden layers, all of the same width.") { Maximum = MaximumDepth, Shared = true };

    public static readonly IntegerParameter Width = new("width", Section.Network, null,
        "The size of each hidden layer.") { Maximum = MaximumWidth, Shared = true };

    public static readonly ChoiceParameter Architecture = new("architecture", Section.Network, "dense", ["dense", "convolution"],
        "Dense layers alone, or convolution blocks before them: 3x3 convolutions, each with 2x2 max pooling.")
        { CameLater = true, Shared = true };

    public static readonly SizesParameter Channels = new("channels", Section.Network, [8, 16],
        "The channels of each convolution block, from input to output.")
        { MaximumLength = 4, MaximumSize = 4_096, CameLater = true, Shared = true, AppliesWhen = new(Architecture, ["convolution"]) };

    public static readonly ChoiceParameter Initializer = new("initializer", Section.Network, "he-normal",
        [
            "xavier-uniform", "xavier-normal", "he-uniform", "he-normal", "lecun-uniform", "lecun-normal", "normal",
            "truncated-normal", "uniform", "constant", "zeros", "orthogonal", "lsuv",
        ],
        "The distribution that weights start from.");

    public static readonly NumberParameter InitializerStd = new("initializerStd", Section.Network, 0.01,
        "The standard deviation of the initializers 'normal' and 'truncated-normal'.")
        { Minimum = 0, MinimumExcluded = true, Maximum = 1e6, AppliesWhen = new(Initializer, ["normal", "truncated-normal"]) };

    public static readonly NumberParameter InitializerLimit = new("initializerLimit", Section.Network, 0.05,
        "The initializer 'uniform' draws between minus this and this.")
        { Minimum = 0, MinimumExcluded = true, Maximum = 1e6, CameLater = true, AppliesWhen = new(Initializer, ["uniform"]) };

    public static readonly NumberParameter InitializerConstant = new("initializerConstant", Section.Network, 0.01,
        "The value of every weight under the initializer 'constant'.")
        { Minimum = -1e6, Maximum = 1e6, CameLater = true, AppliesWhen = new(Initializer, ["constant"]) };

    public static readonly ChoiceParameter Fan = new("fan", Section.Network, "own", ["own", "in", "out", "average"],
        "What a scaled initializer divides its variance by: its own rule (Xavier the average, He and LeCun fan-in), or another count of connections.")
        { CameLater = true, AppliesWhen = new(Initializer, ScaledInitializers) };

    public static readonly ChoiceParameter Gain = new("gain", Section.Network, "none", ["none", "activation", "textbook"],
        "What scales an initializer for the activation: nothing, so that its name fixes the variance; the activation's gain; or the textbook's table by fan average.")
        { CameLater = true, AppliesWhen = new(Initializer, [.. ScaledInitializers, "orthogonal"]) };

    public static readonly ChoiceParameter Activation = new("activation", Section.Network, "relu",
        [
            "logistic", "tanh", "relu", "leaky-relu", "prelu", "elu",
            "rrelu", "selu", "gelu", "silu", "mish", "softplus", "identity",
        ],
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
        "Whether each hidden layer normalises its units over the mini-batch.");

    public static readonly ChoiceParameter BatchNormPlacement = new("batchNormPlacement", Section.Network, "before", ["before", "after"],
        "Whether batch norm stands before the activation or after it.")
        { CameLater = true, Shared = true, AppliesWhen = new(BatchNorm, ["true"]) };

    public static readonly NumberParameter BatchNormMomentum = new("batchNormMomentum", Section.Network, 0.1,
        "The share of each mini-batch's mean and variance in the running ones.")
        { Minimum = 0, MinimumExcluded = true, Maximum = 1, CameLater = true, Shared = true, AppliesWhen = new(BatchNorm, ["true"]) };

    public static readonly NumberParameter BatchNormEpsilon = new("batchNormEpsilon", Section.Network, 1e-5,
        "What batch norm adds to a variance before it divides by its root.")
        { Minimum = 0, MinimumExcluded = true, Maximum = 1, CameLater = true, Shared = true, AppliesWhen = new(BatchNorm, ["true"]) };

    public static readonly NumberParameter Dropout = new("dropout", Section.Network, 0,
        "The probability with which each unit of a hidden layer is dropped in training; with selu it is alpha dropout.")
        { Minimum = 0, Maximum = 1, MaximumExcluded = true, CameLater = true };

    public static readonly IntegerParameter Epochs = new("epochs", Section.Training, 20,
        "How many passes over the training data a trial makes.") { Maximum = 1_000_000, Shared = true };

    public static readonly IntegerParameter BatchSize = new("batchSize", Section.Training, 32,
        "The rows of a mini-batch; a last partial one is dropped.") { Maximum = 1_000_000, Shared = true };

    public static readonly NumberParameter TrainFraction = new("trainFraction", Section.Training, 1,
        "The part of the training rows that is trained on, by class.")
        { Minimum = 0, MinimumExcluded = true, Maximum = 1, CameLater = true, Shared = true };

    public static readonly ChoiceParameter Optimizer = new("optimizer", Section.Training, "sgd", ["sgd", "rmsprop", "adam", "adamw"],
        "The rule that updates the weights.");

    public static readonly NumberParameter LearningRate = new("learningRate", Section.Training, 0.01,
        "The step size of the optimizer, before its schedule.") { Minimum = 0, MinimumExcluded = true, Maximum = 1e6 };

    public static readonly NumberParameter Momentum = new("momentum", Section.Training, 0,
        "The share of the last update that is carried into the next.")
        { Minimum = 0, Maximum = 1, MaximumExcluded = true, AppliesWhen = new(Optimizer, ["sgd", "rmsprop"]) };

    public static readonly FlagParameter Nesterov = new("nesterov", Section.Training, false,
        "Whether the gradient is taken ahead of the momentum's step.") { CameLater = true, AppliesWhen = new(Optimizer, ["sgd"]) };

    public static readonly NumberParameter RmspropDecay = new("rmspropDecay", Section.Training, 0.99,
        "What rmsprop keeps of its mean squared gradient at each step.")
        { Minimum = 0, Maximum = 1, MaximumExcluded = true, CameLater = true, AppliesWhen = new(Optimizer, ["rmsprop"]) };

    public static readonly NumberParameter Beta1 = new("beta1", Section.Training, 0.9,
        "What adam keeps of its mean gradient at each step.")
        { Minimum = 0, Maximum = 1, MaximumExcluded = true, CameLater = true, AppliesWhen = new(Optimizer, ["adam", "adamw"]) };

    public static readonly NumberParameter Beta2 = new("beta2", Section.Training, 0.999,
        "What adam keeps of its mean squared gradient at each step.")
        { Minimum = 0, Maximum = 1, MaximumExcluded = true, CameLater = true, AppliesWhen = new(Optimizer, ["adam", "adamw"]) };

    public static readonly NumberParameter OptimizerEpsilon = new("optimizerEpsilon", Section.Training, 1e-8,
        "What is added to the root of the mean squared gradient before dividing by it.")
        { Minimum = 1e-20, Maximum = 1, CameLater = true, AppliesWhen = new(Optimizer, ["rmsprop", "adam", "adamw"]) };

    public static readonly NumberParameter WeightDecay = new("weightDecay", Section.Training, 0,
        "The weights' share in their gradient, or with adamw in their step; biases, batch norm and prelu's slope never decay. At 0 adamw is adam.")
        { Minimum = 0, Maximum = 1e3, CameLater = true };

    public static readonly ChoiceParameter Schedule = new("schedule", Section.Training, "constant",
        ["constant", "step", "exponential", "cosine", "one-cycle"],
        "How the learning rate changes: not; by a factor every so many epochs; by a factor each epoch; along half a cosine to 0; up to it and down again. See below.")
        { CameLater = true };

    public static readonly IntegerParameter ScheduleEpochs = new("scheduleEpochs", Section.Training, 10,
        "After how many epochs the step schedule multiplies.")
        { Maximum = 1_000_000, CameLater = true, AppliesWhen = new(Schedule, ["step"]) };

    public static readonly NumberParameter ScheduleGamma = new("scheduleGamma", Section.Training, 0.9,
        "What the step and exponential schedules multiply the learning rate by.")
        { Minimum = 0, MinimumExcluded = true, Maximum = 1, CameLater = true, AppliesWhen = new(Schedule, ["step", "exponential"]) };

    public static readonly NumberParameter WarmupEpochs = new("warmupEpochs", Section.Training, 0,
        "Over how many epochs, or what part of one, the learning rate rises in equal steps to what its schedule says.")
        { Minimum = 0, Maximum = 1_000_000, CameLater = true };

    public static readonly NumberParameter GradientClip = new("gradientClip", Section.Training, 0,
        "The longest gradient of a trial, as the norm over all its parameters; a longer one is shortened to it. 0: none is.")
        { Minimum = 0, Maximum = 1e6, CameLater = true };

    public static readonly NumberParameter LabelSmoothing = new("labelSmoothing", Section.Training, 0,
        "The part of the target that is spread over all classes alike; it is in the train loss, not in those of validation and test.")
        { Minimum = 0, Maximum = 1, MaximumExcluded = true, CameLater = true };

    public static ImmutableArray<Parameter> All { get; } =
    [
        Trainer, SimulatedSeconds, SimulatedAccuracy, SimulatedCohort, CommandLine,
        Dataset, DataContent, LabelColumn, Split, ValidationFraction, TestFraction,
        Architecture, Channels, Hidden, Depth, Width,
        Initializer, InitializerStd, InitializerLimit, InitializerConstant, Fan, Gain,
        Activation, LeakAlpha, PreluAlpha, EluAlpha,
        BatchNorm, BatchNormPlacement, BatchNormMomentum, BatchNormEpsilon, Dropout,
        Epochs, BatchSize, TrainFraction,
        Optimizer, LearningRate, Momentum, Nesterov, RmspropDecay, Beta1, Beta2, OptimizerEpsilon, WeightDecay,
        Schedule, ScheduleEpochs, ScheduleGamma, WarmupEpochs, GradientClip, LabelSmoothing,
    ];

    /// <summary>The parameters that a file can give.</summary>
    public static ImmutableArray<Parameter> Written { get; } = [.. All.Where(parameter => !parameter.IsDerived)];

    public static ImmutableDictionary<string, Parameter> ByName { get; } = All.ToImmutableDictionary(parameter => parameter.Name);
}

using System.Collections.Immutable;
using System.Globalization;

namespace DeepTrain.Cluster.Sweeps.Configurations;

/// <summary>Where in the sweep file a parameter's fixed value stands.</summary>
public enum Section
{
    /// <summary>At the top level; cannot be a factor.</summary>
    Sweep,
    Network,
    Training,

    /// <summary>The settings of the trainer itself; they cannot be factors.</summary>
    Trainer,

    /// <summary>Declared by the file for its command.</summary>
    Free,
}

/// <summary>When a parameter has any effect: while another has one of the named values.</summary>
/// <param name="Values">As <see cref="ParameterValue.ToString"/> writes them.</param>
public sealed record Applicability(Parameter Of, ImmutableArray<string> Values);

/// <summary>
/// One named setting of a trial: its kind, range and default. Parser, JSON schema, validation and trainer read the same object.
/// </summary>
/// <param name="Name">The leaf name in the sweep file, unique over all sections.</param>
/// <param name="Section">Where its fixed value stands.</param>
/// <param name="Default">The value where the file gives none.</param>
/// <param name="Description">One sentence for the schema and the reference.</param>
public abstract record Parameter(string Name, Section Section, ParameterValue? Default, string Description)
{
    /// <summary>Whether all trials of a cohort must agree on it, because it shapes their common tensors or their mini-batches.</summary>
    public bool Shared { get; init; }

    /// <summary>
    /// Whether its default stays out of <see cref="Configuration.Json"/>, so that what was trained before the parameter came keeps its
    /// cell's id. So it is with every parameter that came after the first version; such a default must never change.
    /// </summary>
    public bool CameLater { get; init; }

    /// <summary>Whether it is worked out from what the file says otherwise, so that the file gives no value under its name.</summary>
    public bool IsDerived { get; init; }

    /// <summary>Null: always in effect.</summary>
    public Applicability? AppliesWhen { get; init; }

    /// <summary>Whether it may stand in <c>space</c>.</summary>
    public bool CanVary => Section is Section.Network or Section.Training or Section.Free;

    /// <summary>The key of its section in the sweep file; empty at the top level.</summary>
    public string SectionKey => Section switch
    {
        Section.Network => "network",
        Section.Training => "training",
        Section.Trainer => "trainer",
        Section.Free => "trainer.parameters",
        _ => "",
    };

    /// <summary>Its dotted path in the sweep file, such as <c>training.learningRate</c>.</summary>
    public string Path { get => field ?? (Section == Section.Sweep ? Name : $"{SectionKey}.{Name}"); init; }

    /// <summary>What a value of it is, as a person is told: 'a whole number from 1 to 1000'.</summary>
    public abstract string Expected { get; }
}

/// <summary>A real number in an interval; an excluded bound is not in it.</summary>
public sealed record NumberParameter(string Name, Section Section, double? DefaultNumber, string Description)
    : Parameter(Name, Section, DefaultNumber is { } number ? ParameterValue.Of(number) : null, Description)
{
    public double Minimum { get; init; } = double.MinValue;

    public double Maximum { get; init; } = double.MaxValue;

    public bool MinimumExcluded { get; init; }

    public bool MaximumExcluded { get; init; }

    public override string Expected => IsUnbounded ? "a number" : string.Create(CultureInfo.InvariantCulture,
        $"a number {(MinimumExcluded ? "above" : "of at least")} {Minimum} and {(MaximumExcluded ? "below" : "at most")} {Maximum}");

    private bool IsUnbounded => (Minimum, Maximum) is (double.MinValue, double.MaxValue);

    public bool Allows(double number) =>
        (MinimumExcluded ? number > Minimum : number >= Minimum) && (MaximumExcluded ? number < Maximum : number <= Maximum);
}

public sealed record IntegerParameter(string Name, Section Section, int? DefaultInteger, string Description)
    : Parameter(Name, Section, DefaultInteger is { } number ? ParameterValue.Of((long)number) : null, Description)
{
    public int Minimum { get; init; } = 1;

    public int Maximum { get; init; } = int.MaxValue;

    public override string Expected => Minimum == int.MinValue ? "a whole number"
        : string.Create(CultureInfo.InvariantCulture, $"a whole number from {Minimum} to {Maximum}");
}

public sealed record FlagParameter(string Name, Section Section, bool DefaultFlag, string Description)
    : Parameter(Name, Section, ParameterValue.Of(DefaultFlag), Description)
{
    public override string Expected => "true or false";
}

public sealed record ChoiceParameter(
    string Name, Section Section, string? DefaultChoice, ImmutableArray<string> Choices, string Description)
    : Parameter(Name, Section, DefaultChoice is { } choice ? ParameterValue.Of(choice) : null, Description)
{
    public override string Expected => Choices is [var only] ? only : $"one of {string.Join(", ", Choices)}";
}

/// <summary>Any text, such as the name of a column; none by default.</summary>
public sealed record TextParameter(string Name, Section Section, string Description) : Parameter(Name, Section, null, Description)
{
    public int MaximumLength { get; init; } = 200;

    public override string Expected => string.Create(CultureInfo.InvariantCulture, $"text of 1 to {MaximumLength} characters");
}

/// <summary>A list of texts, such as a command and its arguments; none by default.</summary>
public sealed record TextsParameter(string Name, Section Section, string Description) : Parameter(Name, Section, null, Description)
{
    public int MaximumLength { get; init; }

    public int MaximumTextLength { get; init; }

    public override string Expected => string.Create(CultureInfo.InvariantCulture,
        $"a list of 1 to {MaximumLength} texts such as [python3, train.py]");
}

/// <summary>A list of layer sizes.</summary>
public sealed record SizesParameter(string Name, Section Section, ImmutableArray<int>? DefaultSizes, string Description)
    : Parameter(Name, Section, DefaultSizes is { } sizes ? ParameterValue.Of(sizes) : null, Description)
{
    public int MaximumLength { get; init; }

    public int MaximumSize { get; init; }

    public override string Expected => string.Create(CultureInfo.InvariantCulture,
        $"a list of 1 to {MaximumLength} sizes from 1 to {MaximumSize}, such as [64, 32]");
}

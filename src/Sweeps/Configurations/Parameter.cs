using System.Collections.Immutable;
using System.Globalization;

namespace DeepTrain.Cluster.Sweeps.Configurations;

/// <summary>The section of the sweep file that holds a parameter's fixed value.</summary>
public enum Section
{
    /// <summary>The top level. Its parameters cannot be factors.</summary>
    Sweep,
    Network,
    Training,

    /// <summary>The settings of the trainer itself. They cannot be factors.</summary>
    Trainer,

    /// <summary>Parameters that the file declares for its command.</summary>
    Free,
}

/// <summary>A parameter has an effect only while another one has one of these values.</summary>
/// <param name="Values">In the form that <see cref="ParameterValue.ToString"/> gives.</param>
public sealed record Applicability(Parameter Of, ImmutableArray<string> Values);

/// <summary>
/// One named setting of a trial: its kind, range and default. Parser, JSON schema, validation and trainer all use it.
/// </summary>
/// <param name="Name">The leaf name in the sweep file, unique over all sections.</param>
/// <param name="Section">The section that holds its fixed value.</param>
/// <param name="Default">The value where the file gives none.</param>
/// <param name="Description">One sentence for the schema and the reference.</param>
public abstract record Parameter(string Name, Section Section, ParameterValue? Default, string Description)
{
    /// <summary>Whether all trials of a cohort must have the same value, because it determines tensor shapes or mini-batches.</summary>
    public bool Shared { get; init; }

    /// <summary>
    /// Whether its default is left out of <see cref="Configuration.Json"/>, so that older cells keep their ids. This holds for every
    /// parameter added after the first version; such a default must never change.
    /// </summary>
    public bool CameLater { get; init; }

    /// <summary>Whether its value is computed from the rest of the file, so that the file cannot give it.</summary>
    public bool IsDerived { get; init; }

    /// <summary>When it has an effect; null where it always has.</summary>
    public Applicability? AppliesWhen { get; init; }

    /// <summary>Whether it may appear in <c>space</c>.</summary>
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

    /// <summary>A description of its valid values for messages: 'a whole number from 1 to 1000'.</summary>
    public abstract string Expected { get; }
}

/// <summary>A real number in an interval, whose bounds may be excluded.</summary>
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

/// <summary>Any text, such as the name of a column. It has no default.</summary>
public sealed record TextParameter(string Name, Section Section, string Description) : Parameter(Name, Section, null, Description)
{
    public int MaximumLength { get; init; } = 200;

    public override string Expected => string.Create(CultureInfo.InvariantCulture, $"text of 1 to {MaximumLength} characters");
}

/// <summary>A list of texts, such as a command and its arguments. It has no default.</summary>
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

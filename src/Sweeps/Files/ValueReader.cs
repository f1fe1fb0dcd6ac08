using System.Collections.Immutable;
using System.Globalization;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>Reads the values of parameters, and reports what is expected in place of an invalid value.</summary>
internal sealed class ValueReader(Problems problems)
{
    /// <summary>The value; null if the node is not a valid value of this parameter, which is then reported.</summary>
    public ParameterValue? Read(Parameter parameter, YamlNode node, string path)
    {
        var (value, remedy) = parameter switch
        {
            NumberParameter number => ReadNumber(number, node),
            IntegerParameter integer => ReadInteger(integer, node),
            FlagParameter => ReadFlag(node),
            ChoiceParameter choice => ReadChoice(choice, node),
            TextParameter text => ReadText(text, node),
            TextsParameter texts => ReadTexts(texts, node, path),
            SizesParameter sizes => ReadSizes(sizes, node, path),
            _ => throw new InvalidOperationException($"{parameter.GetType()} is no known kind of parameter."),
        };
        if (remedy is not null)
            problems.Error(node.Place, path, $"expected {parameter.Expected}, found {node.Described}{remedy}");
        return value;
    }

    /// <summary>The valid, distinct levels. Others are reported and left out.</summary>
    public ImmutableArray<ParameterValue> ReadLevels(Parameter parameter, YamlNode node, string path)
    {
        if (node is not YamlList list)
        {
            problems.Error(node.Place, path, $"expected a list of levels such as [a, b], each {parameter.Expected}, found {node.Described}");
            return [];
        }

        if (list.Items.IsEmpty)
            problems.Error(node.Place, path, $"the list is empty; expected at least one level, {parameter.Expected}");
        var levels = new OrderedDictionary<ParameterValue, Place>();
        for (var i = 0; i < list.Items.Length; i++)
        {
            var (item, itemPath) = (list.Items[i], At(path, i));
            if (Read(parameter, item, itemPath) is { } level && !levels.TryAdd(level, item.Place))
                problems.Error(item.Place, itemPath, $"the level {level} is listed twice, first on line {levels[level].Line}; keep one");
        }

        return [.. levels.Keys];
    }

    public static string At(string path, int index) => string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]");

    private static (ParameterValue? Value, string? Remedy) ReadNumber(NumberParameter parameter, YamlNode node) =>
        node is not YamlScalar { Number: { } number } ? (null, RemedyForNumber(node, other => ReadNumber(parameter, other).Value))
        : !double.IsFinite(number) ? (null, "; write a finite number")
        : !parameter.Allows(number) ? (null, "")
        : (ParameterValue.Of(number), null);

    private static (ParameterValue? Value, string? Remedy) ReadInteger(IntegerParameter parameter, YamlNode node) =>
        node is not YamlScalar { Integer: { } number } ? (null, RemedyForInteger(parameter, node))
        : number < parameter.Minimum || number > parameter.Maximum ? (null, "")
        : (ParameterValue.Of((long)number), null);

    private static string RemedyForInteger(IntegerParameter parameter, YamlNode node) =>
        parameter.Section == Section.Free && node is YamlScalar { Number: not null }
            ? $"; its default is a whole number: write {parameter.Default}.0 there if any number will do"
            : RemedyForNumber(node, other => ReadInteger(parameter, other).Value);

    /// <param name="read">Returns null for a value that would be invalid too.</param>
    private static string RemedyForNumber(YamlNode node, Func<YamlScalar, ParameterValue?> read)
    {
        if (node is not YamlScalar scalar)
            return "";
        if (!scalar.Plain && read(scalar with { Plain = true }) is not null)
            return "; remove the quotes";
        var bare = scalar.Text.Replace("_", "", StringComparison.Ordinal);
        return bare != scalar.Text && read(scalar with { Text = bare, Plain = true }) is not null ? $"; write {bare}" : "";
    }

    private static (ParameterValue?, string? Remedy) ReadFlag(YamlNode node) => node switch
    {
        YamlScalar { Flag: { } flag } => (ParameterValue.Of(flag), null),
        YamlScalar scalar when (scalar with { Plain = true }).Flag is not null => (null, "; remove the quotes"),
        YamlScalar { Text: var text } => (null, text.ToLowerInvariant() switch
        {
            "yes" or "on" => "; write true",
            "no" or "off" => "; write false",
            _ => "",
        }),
        _ => (null, ""),
    };

    private static (ParameterValue?, string? Remedy) ReadChoice(ChoiceParameter parameter, YamlNode node) =>
        node is not YamlScalar { IsNothing: false, Text: var text } ? (null, "")
        : parameter.Choices.Contains(text) ? (ParameterValue.Of(text), null)
        : (null, Nearest.To(text, parameter.Choices) is { } nearest ? $"; did you mean '{nearest}'?" : "");

    private static (ParameterValue?, string? Remedy) ReadText(TextParameter parameter, YamlNode node) =>
        node is not YamlScalar { IsNothing: false, Text: { Length: > 0 } text } scalar || text.Length > parameter.MaximumLength ? (null, "")
        : scalar.Flag is not null || scalar.Number is not null ? (null, "; put it in quotes")
        : text.Contains('\0', StringComparison.Ordinal) ? (null, " with a character 0, which no program takes")
        : (ParameterValue.Of(text), null);

    private (ParameterValue?, string? Remedy) ReadTexts(TextsParameter parameter, YamlNode node, string path)
    {
        if (node is not YamlList { Items: var items } || items.IsEmpty || items.Length > parameter.MaximumLength)
            return (null, node is YamlList ? $" of {((YamlList)node).Items.Length}" : "");
        var text = new TextParameter(parameter.Name, parameter.Section, parameter.Description) { MaximumLength = parameter.MaximumTextLength };
        var texts = items.Select((item, i) => Read(text, item, At(path, i))).ToList();
        return texts.Contains(null) ? (null, null) : (ParameterValue.Of([.. texts.Select(item => item!.AsText())]), null);
    }

    private (ParameterValue?, string? Remedy) ReadSizes(SizesParameter parameter, YamlNode node, string path)
    {
        if (node is not YamlList { Items: var items } || items.IsEmpty || items.Length > parameter.MaximumLength)
            return (null, node is YamlList ? $" of {((YamlList)node).Items.Length}" : "");
        var size = new IntegerParameter(parameter.Name, parameter.Section, null, parameter.Description) { Maximum = parameter.MaximumSize };
        var sizes = items.Select((item, i) => Read(size, item, At(path, i))).ToList();
        return sizes.Contains(null) ? (null, null) : (ParameterValue.Of([.. sizes.Select(item => item!.AsInteger())]), null);
    }
}

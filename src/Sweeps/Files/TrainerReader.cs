using System.Collections.Immutable;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>The trainer as the file gives it.</summary>
/// <param name="Kind">One of <see cref="Parameters.Trainer"/>'s choices; null where it is invalid.</param>
/// <param name="Values">The valid settings of the trainer itself, by parameter name.</param>
/// <param name="Free">The parameters that the file declares for its command.</param>
internal sealed record TrainerField(string? Kind, ImmutableDictionary<string, ParameterValue> Values, ImmutableArray<Parameter> Free)
{
    public bool IsFused => Kind == Parameters.Fused;
}

/// <summary>Reads <c>trainer</c>.</summary>
internal sealed partial class TrainerReader(ValueReader values, Problems problems)
{
    /// <summary>The largest number of parameters that a file may declare.</summary>
    public const int MostParameters = 100;

    public const string NamePattern = $"^{NameBody}$";
    public const string ParametersKey = "parameters";
    private const string NameBody = "[a-zA-Z][a-zA-Z0-9]{0,63}";

    /// <summary>The settings of the simulated trainer by their names in the file.</summary>
    public static readonly ImmutableArray<(string Key, Parameter Parameter)> SimulateKeys =
        [("seconds", Parameters.SimulatedSeconds), ("accuracy", Parameters.SimulatedAccuracy), ("cohort", Parameters.SimulatedCohort)];

    private static readonly ImmutableDictionary<string, ParameterValue> NoValues = ImmutableDictionary<string, ParameterValue>.Empty;
    private static readonly TrainerField Broken = new(null, NoValues, []);

    public TrainerField Read(Field? field)
    {
        if (field is null)
            return new(Parameters.Fused, NoValues, []);
        if (field.Value is YamlScalar { Text: Parameters.Fused })
            return new(Parameters.Fused, NoValues, []);
        if (field.Value is not YamlMap)
        {
            var remedy = field.Value is not YamlScalar { Text: var text } ? ""
                : Nearest.To(text, Parameters.Trainer.Choices) switch
                {
                    null => "",
                    Parameters.Simulate => "; write { simulate: { seconds: 1 } }",
                    Parameters.Command => "; write { command: [python3, train.py] }",
                    var nearest => $"; did you mean '{nearest}'?",
                };
            problems.Error(field.Value.Place, field.Path,
                $"expected fused, {{ simulate: {{ seconds: 1 }} }} or {{ command: [python3, train.py] }}, found {field.Value.Described}{remedy}");
            return Broken;
        }

        if (Fields.Read(field.Value, field.Path, [Parameters.Simulate, Parameters.Command, ParametersKey], problems) is not { } fields)
            return Broken;
        var (simulate, command, parameters) = (fields[Parameters.Simulate], fields[Parameters.Command], fields[ParametersKey]);
        if (simulate is not null == command is not null)
        {
            problems.Error(field.Value.Place, field.Path, $"expected either simulate or command, found {(simulate is null ? "neither" : "both")}");
            return Broken;
        }

        if (simulate is not null && parameters is not null)
            problems.Error(parameters.Place, parameters.Path, "simulate takes no parameters; they are handed to a command");
        return simulate is not null ? ReadSimulate(simulate) : ReadCommand(command!, parameters);
    }

    private TrainerField ReadSimulate(Field simulate)
    {
        if (Fields.Read(simulate.Value, simulate.Path, [.. SimulateKeys.Select(key => key.Key)], problems) is not { } fields)
            return Broken;
        var read =
            from key in SimulateKeys
            let field = fields[key.Key]
            where field is not null
            let value = values.Read(key.Parameter, field.Value, field.Path)
            where value is not null
            select KeyValuePair.Create(key.Parameter.Name, value);
        return new(Parameters.Simulate, ImmutableDictionary.CreateRange(read), []);
    }

    private TrainerField ReadCommand(Field command, Field? parameters)
    {
        var words = values.Read(Parameters.CommandLine, command.Value, command.Path);
        var free = parameters is null ? [] : ReadParameters(parameters);
        return words is null
            ? Broken with { Free = free }
            : new(Parameters.Command, NoValues.Add(Parameters.CommandLine.Name, words), free);
    }

    private ImmutableArray<Parameter> ReadParameters(Field field)
    {
        if (field.Value is not YamlMap map)
        {
            problems.Error(field.Value.Place, field.Path, $"expected a mapping of names to defaults such as {{ units: 32 }}, found {field.Value.Described}");
            return [];
        }

        if (map.Entries.Length > MostParameters)
        {
            problems.Error(map.Place, field.Path, $"expected at most {MostParameters} parameters, found {map.Entries.Length}");
            return [];
        }

        var declared = new OrderedDictionary<string, Parameter>(StringComparer.Ordinal);
        foreach (var (key, value) in map.Entries)
        {
            if (key is not YamlScalar { Text: var name } || !Name().IsMatch(name))
                problems.Error(key.Place, field.Path, $"expected a name of 1 to 64 letters and digits, a letter first, found {key.Described}");
            else if (Parameters.ByName.TryGetValue(name, out var own))
                problems.Error(key.Place, Fields.Join(field.Path, name), own.IsDerived
                    ? "the name is taken; choose another"
                    : $"the name is taken by {own.Path}, which the command is handed too; give that one, or choose another name");
            else if (declared.ContainsKey(name))
                problems.Error(key.Place, Fields.Join(field.Path, name), "the name is given twice; keep one");
            else if (Declare(name, value) is { } parameter)
                declared[name] = parameter;
            else
                problems.Error(value.Place, Fields.Join(field.Path, name), $"expected its default, a finite number, true or false, or a text of 1 to {Parameters.LongestText} characters, found {value.Described}");
        }

        return [.. declared.Values];
    }

    /// <summary>A parameter with the given default; null if the default is of no supported kind.</summary>
    private static Parameter? Declare(string name, YamlNode node) => node switch
    {
        YamlScalar { IsNothing: true } => null,
        YamlScalar { Flag: { } flag } => new FlagParameter(name, Section.Free, flag, ""),
        YamlScalar { Integer: { } whole } when whole >= int.MinValue && whole <= int.MaxValue =>
            new IntegerParameter(name, Section.Free, (int)whole, "") { Minimum = int.MinValue },
        YamlScalar { Number: { } number } => double.IsFinite(number) ? new NumberParameter(name, Section.Free, number, "") : null,
        YamlScalar { Text: { Length: > 0 and <= Parameters.LongestText } text } =>
            new TextParameter(name, Section.Free, "") { Default = ParameterValue.Of(text), MaximumLength = Parameters.LongestText },
        _ => null,
    };

    [GeneratedRegex($@"\A{NameBody}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}

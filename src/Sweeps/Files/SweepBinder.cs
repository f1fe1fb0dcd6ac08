using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>Builds a sweep from a document: reads each key, checks the keys together, then forms the cells.</summary>
internal sealed class SweepBinder(Problems problems)
{
    private readonly ValueReader _values = new(problems);

    /// <summary>The position of each parameter in the file. Empty before the file is bound.</summary>
    public ImmutableDictionary<string, Place> Places { get; private set; } = ImmutableDictionary<string, Place>.Empty;

    /// <summary>The sweep; null if there is any error.</summary>
    public Sweep? Bind(YamlNode root, string text) => Read(root, text) is { } document ? Form(document) : null;

    /// <summary>The declarations without the cells, since forming many cells takes long; null if there is any error in them.</summary>
    public SweepDeclaration? Declare(YamlNode root, string text) => Read(root, text)?.Declaration;

    private Document? Read(YamlNode root, string text)
    {
        if (Fields.Read(root, "", [.. SweepKeys.TopLevel.Select(key => key.Name)], problems) is not { } file)
            return null;
        var name = ReadName(file);
        var trainer = new TrainerReader(_values, problems).Read(file[Parameters.Trainer.Name]);
        var known = new KnownParameters(trainer.Free);
        var given = ReadGiven(file, trainer);
        var dataFile = ReadDataFile(file, given, trainer);
        var search = new SearchReader(_values, known, problems).Read(file["search"]);
        var factors = new SpaceReader(_values, known, problems, search.Search is not SearchMethod.Grid).Read(file["space"]);
        var replicates = Read(SweepKeys.Replicates, file)?.AsInteger();
        var objective = ReadObjective(file["objective"]);
        ReadEarlyStopping(file["earlyStopping"]);
        var keep = Read(SweepKeys.Keep, file)?.AsText();
        var priority = Read(SweepKeys.Priority, file)?.AsInteger();
        var maxSlots = Read(SweepKeys.MaxSlots, file)?.AsInteger();
        var maxAttempts = Read(SweepKeys.MaxAttempts, file)?.AsInteger();
        var device = Read(SweepKeys.Device, file)?.AsText();

        Places = given.Select(value => value.Field)
            .Concat(factors.Select(factor => factor.Field))
            .Concat(search.Entries.SelectMany(entry => entry.Values).Select(value => value.Field))
            .Concat(file[SweepKeys.DataFile.Name] is { } named ? [named] : [])
            .GroupBy(field => field.Name).ToImmutableDictionary(fields => fields.Key, fields => fields.First().Value.Place);
        new TogetherChecker(trainer, known, problems).Check(file, given, search, factors);
        var domains = search.Search is SearchMethod.List
            ? search.Entries.SelectMany(entry => entry.Values).GroupBy(value => value.Parameter.Name)
                .ToDictionary(group => group.Key, Domain? (group) => LevelsOf(group.First().Parameter, search, group))
            : factors.ToDictionary(factor => factor.Parameter.Name, factor => factor.Domain);
        var claims = new ClaimReader(_values, known, problems).Read(file["claims"], domains);
        if (problems.HasErrors)
            return null;

        var fixedValues = Parameters.All.Concat(trainer.Free)
            .Where(parameter => parameter.Default is not null)
            .ToImmutableSortedDictionary(parameter => parameter.Name, parameter => parameter.Default!, StringComparer.Ordinal)
            .SetItems(given.Select(value => KeyValuePair.Create(value.Parameter.Name, value.Value!)))
            .SetItems(trainer.Values).SetItem(Parameters.Trainer.Name, ParameterValue.Of(trainer.Kind!))
            .RemoveRange(domains.Keys);
        if (dataFile is not null && ContentLine.Find(text) is { } content)
            fixedValues = fixedValues.SetItem(Parameters.DataContent.Name, ParameterValue.Of(content));
        if (ContentLine.SaysLabelIsLast(text))
            fixedValues = fixedValues.Remove(Parameters.LabelColumn.Name);
        ImmutableArray<Factor> varying = search.Search is SearchMethod.List
            ? [.. domains.Select(domain => new Factor(known[domain.Key], domain.Value!, null))]
            : [.. factors.Select(factor => new Factor(factor.Parameter, factor.Domain!, factor.When))];
        var declaration = new SweepDeclaration(
            name!, text, fixedValues, varying, search.Search!, replicates!.Value, objective, claims, Enum.Parse<Keep>(keep!, ignoreCase: true))
            { DataFile = dataFile, Priority = priority!.Value, MaxSlots = maxSlots, MaxAttempts = maxAttempts!.Value, Device = device };
        return new(declaration, file, trainer, given, search, factors);
    }

    private Sweep? Form(Document document)
    {
        var (declaration, file, trainer, given, search, factors) = document;
        var former = new CellFormer(declaration.Fixed, declaration.Factors, problems);
        var cells = former.Form(search, file["space"], declaration.Replicates);
        if (problems.HasErrors)
            return null;
        former.WarnOfNoEffect(cells, given, factors);
        if (!trainer.IsFused)
            return new(declaration, cells);
        if (cells.Any(cell => cell.Configuration[Parameters.BatchNorm] && cell.Configuration[Parameters.BatchSize] == 1))
        {
            problems.Error(Places[Parameters.BatchSize.Name], Parameters.BatchSize.Path,
                "batch norm leaves nothing of a mini-batch of one row; expected at least 2 where batchNorm is true");
            return null;
        }
        new IdleWarner(cells, [.. given.Select(value => value.Field), .. factors.Select(factor => factor.Field),
            .. search.Entries.SelectMany(entry => entry.Values).Select(value => value.Field)], problems).Warn();
        return new(declaration, cells);
    }

    private string? ReadName(Fields file)
    {
        if (file["name"] is not { } field)
            problems.Error(file.Place, "name", "the key is missing; expected a name such as activations-on-digits");
        else if (field.Value is not YamlScalar { Text: var name } || !SweepKeys.Name().IsMatch(name))
            problems.Error(field.Value.Place, field.Path,
                $"expected 1 to 63 lower-case letters, digits and inner hyphens, found {field.Value.Described}");
        else
            return name;
        return null;
    }

    /// <summary>Reads the given values. A command may have its own data, and a simulation needs none. Neither needs layers.</summary>
    private ImmutableArray<GivenValue> ReadGiven(Fields file, TrainerField trainer)
    {
        var given = ImmutableArray.CreateBuilder<GivenValue>();
        foreach (var section in Parameters.Written.GroupBy(parameter => parameter.SectionKey))
        {
            var fields = section.Key.Length == 0 ? file
                : file[section.Key] is { } field
                    ? Fields.Read(field.Value, field.Path, [.. section.Select(parameter => parameter.Name)], problems)
                    : null;
            foreach (var parameter in section)
            {
                if (fields?[parameter.Name] is { } value)
                    given.Add(new(parameter, value, _values.Read(parameter, value.Value, value.Path)));
                else if (trainer.IsFused && section.Key.Length == 0 && parameter is { Default: null, AppliesWhen: null })
                    problems.Error(file.Place, parameter.Path, $"the key is missing; expected {parameter.Expected}");
            }
        }

        return given.ToImmutable();
    }

    /// <summary>Null where the data set is not a file, or its path is invalid.</summary>
    private string? ReadDataFile(Fields file, ImmutableArray<GivenValue> given, TrainerField trainer)
    {
        var key = SweepKeys.DataFile;
        var dataset = given.FirstOrDefault(value => value.Parameter == Parameters.Dataset)?.Value?.AsText();
        var isNeeded = dataset is not null && key.AppliesWhen!.Values.Contains(dataset);
        if (file[key.Name] is not { } field)
        {
            if (isNeeded && trainer.IsFused)
                problems.Error(file[Parameters.Dataset.Name]!.Value.Place, key.Name, $"dataset {dataset} needs dataFile beside it; add dataFile: my.{dataset}");
            return null;
        }

        var path = Read(key, file)?.AsText();
        if (dataset is not null && !isNeeded)
            problems.Warn(field.Place, field.Path, $"it has no effect: it needs dataset {string.Join(" or ", key.AppliesWhen!.Values)}");
        if (isNeeded && trainer.IsFused)
            return path;
        if (isNeeded && trainer.Kind is { } kind)
            problems.Warn(field.Place, field.Path, $"it has no effect: the trainer {kind} reads no data{(kind == Parameters.Command ? "; hand the command its file's path as one of its parameters" : "")}");
        return null;
    }

    /// <summary>The value of a top-level key, or its default; null if it is invalid.</summary>
    private ParameterValue? Read(Parameter key, Fields fields) =>
        fields[key.Name] is { } field ? _values.Read(key, field.Value, field.Path) : key.Default;

    private Objective ReadObjective(Field? field)
    {
        var natural = new Objective(Metric.ValidationAccuracy, Goal.Maximize);
        if (field is null || Fields.Read(field.Value, field.Path, [SweepKeys.Metric.Name, SweepKeys.Goal.Name], problems) is not { } fields)
            return natural;
        if (fields[SweepKeys.Metric.Name] is { Value: YamlScalar { Text: var text } test } && text.StartsWith("test.", StringComparison.Ordinal))
        {
            problems.Error(test.Place, "objective.metric",
                $"expected {SweepKeys.Metric.Expected}, found '{YamlScalar.Shorten(text)}'; the test is looked at once, at the end, and never steers anything");
            return natural;
        }

        var metricText = Read(SweepKeys.Metric, fields)?.AsText();
        var goalText = Read(SweepKeys.Goal, fields)?.AsText();
        if (metricText is null)
            return natural;
        var metric = Objective.Metrics[metricText];
        var goal = goalText switch { "maximize" => Goal.Maximize, "minimize" => Goal.Minimize, _ => Objective.NaturalGoal(metric) };
        if (goal != Objective.NaturalGoal(metric))
            problems.Warn(fields[SweepKeys.Goal.Name]!.Value.Place, "objective.goal", $"to {goalText} {metricText} is to look for the worst cell");
        return new(metric, goal);
    }

    private void ReadEarlyStopping(Field? field)
    {
        if (field?.Value is YamlScalar { Text: "halving" } halving)
            problems.Error(halving.Place, field.Path, "'halving' is not available in this version; expected none");
        else if (field is not null)
            _values.Read(SweepKeys.EarlyStopping, field.Value, field.Path);
    }

    /// <summary>The levels that a parameter has in a list of configurations; null if one is invalid.</summary>
    private static Domain.Levels? LevelsOf(Parameter parameter, SearchField search, IEnumerable<GivenValue> values)
    {
        var levels = values.Select(value => value.Value).ToList();
        if (levels.Count < search.Entries.Length && parameter.Default is not null)
            levels.Add(parameter.Default);
        return levels.Contains(null) ? null : new([.. levels.Distinct().Select(level => level!)]);
    }

    /// <summary>A file whose keys have been read and checked, without its cells.</summary>
    private sealed record Document(
        SweepDeclaration Declaration, Fields File, TrainerField Trainer, ImmutableArray<GivenValue> Given, SearchField Search,
        ImmutableArray<FactorField> Factors);
}

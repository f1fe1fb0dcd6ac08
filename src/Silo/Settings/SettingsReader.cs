using System.Collections;
using System.Collections.Immutable;
using System.Text.Json;
using DeepTrain.Cluster.Sweeps.Files;

namespace DeepTrain.Cluster.Silo.Settings;

/// <summary>The result of reading a silo's settings: either they are valid, or all problems are listed.</summary>
/// <param name="Texts">Each given setting as it was written, with its source.</param>
/// <param name="Unused">The given settings that have no effect here, named as the user gave them.</param>
public sealed record SettingsReading(
    SiloSettings? Settings, ImmutableArray<string> Problems, ImmutableArray<(Setting Setting, string Text, string Source)> Texts,
    ImmutableArray<string> Unused)
{
    /// <summary>Whether a setting was given.</summary>
    public bool Gives(Setting setting) => Texts.Any(text => text.Setting == setting);
}

/// <summary>Reads settings from a file and the environment, which overrides the file.</summary>
public sealed class SettingsReader
{
    /// <summary>The variable that names the file if the command line does not.</summary>
    public const string FileVariable = "DEEPTRAIN_SETTINGS";

    private const int MaximumSize = 1 << 20;

    private readonly Dictionary<string, (string Text, string Source)> _texts = [];
    private readonly List<string> _problems = [];

    private SettingsReader()
    {
    }

    /// <summary>Reads the settings of a silo, or of the cluster that a client reaches.</summary>
    /// <param name="path">The settings file; null: the one that <see cref="FileVariable"/> names, or none.</param>
    /// <param name="environment">The environment's variables.</param>
    public static SettingsReading Read(string? path, IReadOnlyDictionary<string, string> environment) =>
        Read(path, environment, SettingsTable.All);

    /// <summary>Reads the settings that apply to a run in this process. The values of the others are not checked.</summary>
    /// <inheritdoc cref="Read(string, IReadOnlyDictionary{string, string})"/>
    public static SettingsReading ReadForRun(string? path, IReadOnlyDictionary<string, string> environment) =>
        Read(path, environment, SettingsTable.OfRuns);

    private static SettingsReading Read(string? path, IReadOnlyDictionary<string, string> environment, ImmutableArray<Setting> used)
    {
        var reader = new SettingsReader();
        if ((path ?? Given(environment.GetValueOrDefault(FileVariable))) is { } file)
            reader.TakeFile(file);
        foreach (var setting in SettingsTable.All)
            if (Given(environment.GetValueOrDefault(setting.Variable)) is { } text)
                reader._texts[setting.Name] = (text, setting.Variable);
        foreach (var name in environment.Keys.Order(StringComparer.Ordinal))
            reader.Suspect(name);
        ImmutableArray<Setting> unused = [.. SettingsTable.All.Except(used).Where(setting => reader._texts.ContainsKey(setting.Name))];
        ImmutableArray<string> names = [.. unused.Select(reader.Name)];
        foreach (var setting in unused)
            reader._texts.Remove(setting.Name);
        var settings = reader.Bind();
        return new(reader._problems.Count == 0 ? settings : null, [.. reader._problems],
            [.. SettingsTable.All.Where(setting => reader._texts.ContainsKey(setting.Name))
                .Select(setting => (setting, reader._texts[setting.Name].Text, reader._texts[setting.Name].Source))],
            names);
    }

    /// <summary>The environment of this process.</summary>
    public static IReadOnlyDictionary<string, string> Variables() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .ToDictionary(pair => (string)pair.Key, pair => (string)pair.Value!, OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);

    // An empty variable counts as not set, so that templates can leave a value out.
    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private SiloSettings Bind()
    {
        var role = Value(SettingsTable.Role)!.Value;
        var cluster = Cluster();
        if (cluster is null && role is not SiloRole.Both && _problems.Count == 0)
            _problems.Add($"{Name(SettingsTable.Role)}: without postgres.host and redis.host a silo is alone, and does both; leave it out.");
        return new(role, cluster, Value(SettingsTable.Data)!)
        {
            SiloName = Value(SettingsTable.SiloName) ?? Environment.MachineName,
            Address = Value(SettingsTable.Address)!,
            SiloPort = Value(SettingsTable.SiloPort)!.Value,
            GatewayPort = Value(SettingsTable.GatewayPort)!.Value,
            Otlp = Value(SettingsTable.Otlp),
            LogFormat = Value(SettingsTable.Logs)!.Value,
            MetricsPort = Value(SettingsTable.MetricsPort) is > 0 and var port ? port : null,
            Slots = Value(SettingsTable.Slots) is > 0 and var slots ? slots : null,
            Device = Value(SettingsTable.Device),
            Tf32 = Value(SettingsTable.Tf32)!.Value,
            LeaseTimes = new() { Lease = Value(SettingsTable.Lease)!.Value },
            CheckpointInterval = Value(SettingsTable.Checkpoint)!.Value,
            ProbeTimeout = Value(SettingsTable.Probe)!.Value,
            Grace = Value(SettingsTable.Grace)!.Value,
            Commands = Value(SettingsTable.Commands) ?? CommandPolicy.None,
            Datasets = Value(SettingsTable.Datasets),
            LibTorch = Value(SettingsTable.LibTorch),
        };
    }

    private ClusterServers? Cluster()
    {
        var postgres = new PostgresSettings(
            Value(SettingsTable.PostgresHost) ?? "", Value(SettingsTable.PostgresPort)!.Value, Value(SettingsTable.PostgresDatabase)!,
            Value(SettingsTable.PostgresUser)!, Password(SettingsTable.PostgresPassword, SettingsTable.PostgresPasswordFile),
            Value(SettingsTable.PostgresEncryption)!.Value, Value(SettingsTable.PostgresCertificate));
        var redis = new RedisSettings(
            Value(SettingsTable.RedisHost) ?? "", Value(SettingsTable.RedisPort)!.Value, Value(SettingsTable.RedisUser),
            Password(SettingsTable.RedisPassword, SettingsTable.RedisPasswordFile), Value(SettingsTable.RedisTls)!.Value,
            Value(SettingsTable.RedisCertificate));
        if ((postgres.Host.Length > 0) != (redis.Host.Length > 0))
        {
            var (given, lacking) = postgres.Host.Length > 0
                ? (SettingsTable.PostgresHost, SettingsTable.RedisHost)
                : (SettingsTable.RedisHost, SettingsTable.PostgresHost);
            _problems.Add($"{Name(given)} is given, but {lacking.Name} ({lacking.Variable}) is not: a cluster needs both, a silo alone neither.");
        }
        if (postgres is { RootCertificate: not null, Tls: not (PostgresTls.VerifyCa or PostgresTls.VerifyFull) })
            _problems.Add($"{Name(SettingsTable.PostgresCertificate)} is given, but {SettingsTable.PostgresEncryption.Name} "
                + $"({SettingsTable.PostgresEncryption.Variable}) has no certificate checked: set it to verify-full, or to verify-ca.");
        if (redis is { RootCertificate: not null, Tls: false })
            _problems.Add($"{Name(SettingsTable.RedisCertificate)} is given, but {SettingsTable.RedisTls.Name} "
                + $"({SettingsTable.RedisTls.Variable}) has no certificate checked: set it to true.");
        return postgres.Host.Length > 0 && redis.Host.Length > 0
            ? new(postgres, redis, Value(SettingsTable.ClusterId)!, Value(SettingsTable.ServiceId)!)
            : null;
    }

    private string? Password(Setting<string?> password, Setting<string?> passwordFile)
    {
        if (Value(passwordFile) is not { } path)
            return Value(password);
        if (_texts.ContainsKey(password.Name))
        {
            _problems.Add($"{Name(password)} and {Name(passwordFile)} are both given; give one.");
            return null;
        }
        try
        {
            return File.ReadAllText(path).TrimEnd('\r', '\n');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _problems.Add($"{Name(passwordFile)}: '{path}' cannot be read: {error.Message}");
            return null;
        }
    }

    private T Value<T>(Setting<T> setting)
    {
        if (!_texts.TryGetValue(setting.Name, out var given))
            return setting.Default;
        if (setting.Read(given.Text) is { } value)
            return value;
        var found = setting.IsSecret ? "" : $" is '{given.Text}'";
        _problems.Add($"{Name(setting)}{found}: expected {setting.Expected}.");
        return setting.Default;
    }

    /// <summary>Names where a setting was given.</summary>
    private string Name(Setting setting) =>
        _texts.TryGetValue(setting.Name, out var given) && given.Source != setting.Variable ? $"{given.Source}: {setting.Name}" : setting.Variable;

    private void TakeFile(string path)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaximumSize })
                throw new InvalidDataException($"the file is larger than {MaximumSize:N0} bytes");
            using var document = JsonDocument.Parse(File.ReadAllText(path), new()
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
                AllowDuplicateProperties = false,
            });
            if (document.RootElement.ValueKind is JsonValueKind.Object)
                TakeObject(path, "", document.RootElement);
            else
                _problems.Add($"{path}: expected a JSON object of settings.");
        }
        catch (JsonException error)
        {
            _problems.Add($"{path}({error.LineNumber + 1},{error.BytePositionInLine + 1}): this is not JSON: expected an object of settings.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            _problems.Add($"{path}: the settings cannot be read: {error.Message}");
        }
    }

    private void TakeObject(string path, string prefix, JsonElement section)
    {
        foreach (var property in section.EnumerateObject())
        {
            var name = prefix + property.Name;
            if (property.Value.ValueKind is JsonValueKind.Object && SettingsTable.All.Any(setting => setting.Name.StartsWith($"{name}.", StringComparison.Ordinal)))
                TakeObject(path, $"{name}.", property.Value);
            else if (!SettingsTable.All.Any(setting => setting.Name == name))
                _problems.Add($"{path}: there is no setting '{name}'{Meant(name)}");
            else if (Written(property.Value) is { } text)
                _texts[name] = (text, path);
            else
                _problems.Add($"{path}: {name}: expected {SettingsTable.All.Single(setting => setting.Name == name).Expected}.");
        }
    }

    /// <summary>Reports a variable that resembles a setting's; others with the prefix may belong to other programs.</summary>
    private void Suspect(string variable)
    {
        if (!variable.StartsWith(Setting.Prefix, StringComparison.Ordinal) || variable == FileVariable
            || SettingsTable.All.Any(setting => setting.Variable == variable))
            return;
        // The prefix is left out of the comparison.
        var name = variable[Setting.Prefix.Length..];
        if (Nearest.To(name, SettingsTable.All.Select(setting => setting.Variable[Setting.Prefix.Length..])) is { } near)
            _problems.Add($"{variable} is no setting: did you mean '{Setting.Prefix}{near}'?");
    }

    private static string Meant(string name) =>
        Nearest.To(name, SettingsTable.All.Select(setting => setting.Name)) is { } near ? $": did you mean '{near}'?" : ".";

    private static string? Written(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Given(value.GetString()),
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind is JsonValueKind.String) =>
            string.Join(';', value.EnumerateArray().Select(item => item.GetString())),
        JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind is JsonValueKind.Array) => JsonSerializer.Serialize(value),
        _ => null,
    };
}

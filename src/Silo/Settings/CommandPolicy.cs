using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DeepTrain.Cluster.Silo.Settings;

/// <summary>The commands that a worker may start for trials.</summary>
public sealed class CommandPolicy
{
    /// <summary>The environment variable that lists them.</summary>
    public const string Setting = "DEEPTRAIN_COMMANDS";

    /// <summary>Describes the setting's value in error messages.</summary>
    internal const string Expected = "command lines separated by ';', or JSON: a list with a list of words for each command";

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ImmutableArray<ImmutableArray<string>>? _allowed;

    private CommandPolicy(ImmutableArray<ImmutableArray<string>>? allowed) => _allowed = allowed;

    /// <summary>Allows any command: for a process that trains for the user who started it.</summary>
    public static CommandPolicy Any { get; } = new(null);

    public static CommandPolicy None { get; } = new([]);

    /// <summary>Returns null if the text is not a list of commands.</summary>
    /// <param name="text">Command lines separated by ';', words by spaces; or, beginning with '[', JSON: a list of lists of words.</param>
    public static CommandPolicy? Parse(string text)
    {
        if (!text.TrimStart().StartsWith('['))
            return new(
            [
                .. text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                    .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToImmutableArray()),
            ]);
        try
        {
            return JsonSerializer.Deserialize<ImmutableArray<ImmutableArray<string>>>(text) is var commands
                && commands.All(command => command is { IsDefaultOrEmpty: false } && !command.Contains(null!))
                ? new(commands)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether a command with exactly these words is allowed.</summary>
    public bool Allows(ImmutableArray<string> command) => _allowed is not { } allowed || allowed.Any(line => line.SequenceEqual(command, StringComparer.Ordinal));

    /// <summary>How the setting lists a command: as a line if that is unambiguous, otherwise in JSON.</summary>
    public static string Listed(ImmutableArray<string> command) => string.Join(' ', command) is var line && Parse(line)?.Allows(command) is true
        ? line
        : JsonSerializer.Serialize<ImmutableArray<ImmutableArray<string>>>([command], Readable);
}

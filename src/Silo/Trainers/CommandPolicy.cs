using System.Collections.Immutable;

namespace DeepTrain.Cluster.Silo;

/// <summary>Which commands a worker starts for others.</summary>
public sealed class CommandPolicy
{
    /// <summary>The environment variable that lists them.</summary>
    public const string Setting = "DEEPTRAIN_COMMANDS";

    private readonly ImmutableArray<ImmutableArray<string>>? _allowed;

    private CommandPolicy(ImmutableArray<ImmutableArray<string>>? allowed) => _allowed = allowed;

    /// <summary>Any: for a process that trains for the person who started it.</summary>
    public static CommandPolicy Any { get; } = new(null);

    /// <param name="lines">Command lines separated by ';', their words by spaces; null or empty: none is allowed.</param>
    public static CommandPolicy Of(string? lines) => new(
    [
        .. (lines ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToImmutableArray()),
    ]);

    /// <summary>Whether a command, all of its words, is allowed.</summary>
    public bool Allows(ImmutableArray<string> command) => _allowed is not { } allowed || allowed.Any(line => line.SequenceEqual(command, StringComparer.Ordinal));
}

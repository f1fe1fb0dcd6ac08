using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>The valid declarations of a sweep file, before its cells are formed.</summary>
/// <param name="Name">The sweep's name; its ids are <c>name-1</c>, <c>name-2</c>, ...</param>
/// <param name="Text">The file as it was written.</param>
/// <param name="Fixed">The values of all cells: given outside <c>space</c>, or by default.</param>
/// <param name="Factors">The parameters that vary, in the order of the file.</param>
/// <param name="Search">How cells are drawn from the space.</param>
/// <param name="Replicates">The number of replicates of each cell. Replicates are counted from 1.</param>
/// <param name="Keep">Which models are kept after the sweep has ended.</param>
public record SweepDeclaration(
    string Name,
    string Text,
    ImmutableSortedDictionary<string, ParameterValue> Fixed,
    ImmutableArray<Factor> Factors,
    SearchMethod Search,
    int Replicates,
    Objective Objective,
    ImmutableArray<Claim> Claims,
    Keep Keep = Keep.Best)
{
    /// <summary>The path of the data file as the text gives it; null where the data set needs none.</summary>
    public string? DataFile { get; init; }

    /// <summary>Sweeps with a higher priority are trained first.</summary>
    public int Priority { get; init; }

    /// <summary>The most slots that may train this sweep at the same time; null where there is no limit.</summary>
    public int? MaxSlots { get; init; }

    /// <summary>How often a trial is attempted, including the first time, if its failures may be temporary.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>The kind of device that must train the sweep, cpu or cuda; null: that of the worker that leases the first trial.</summary>
    public string? Device { get; init; }
}

/// <summary>A valid sweep file with its cells.</summary>
public sealed record Sweep : SweepDeclaration
{
    /// <summary>The largest number of trials in one sweep.</summary>
    public const int TrialLimit = 200_000;

    public Sweep(SweepDeclaration declaration, ImmutableArray<Cell> cells) : base(declaration) => Cells = cells;

    /// <summary>The distinct combinations of levels, in the order of the search.</summary>
    public ImmutableArray<Cell> Cells { get; init; }

    public int TrialCount => Cells.Length * Replicates;
}

/// <summary>One combination of levels.</summary>
/// <param name="Levels">The level of each factor that applies to this cell, in the factors' order.</param>
public sealed record Cell(ImmutableArray<Level> Levels, Configuration Configuration)
{
    public string Id => Configuration.CellId;
}

/// <summary>A factor's value in one cell.</summary>
/// <param name="Factor">The parameter's name.</param>
public sealed record Level(string Factor, ParameterValue Value);

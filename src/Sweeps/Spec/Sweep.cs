using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>What a sweep file declares, read and found valid so far; its cells are not formed.</summary>
/// <param name="Name">The sweep's name; its ids are <c>name-1</c>, <c>name-2</c>, ...</param>
/// <param name="Text">The file as it was written.</param>
/// <param name="Fixed">The values that hold for every cell: given outside <c>space</c>, or by default.</param>
/// <param name="Factors">What varies, in the order of the file.</param>
/// <param name="Search">How cells are drawn from the space.</param>
/// <param name="Replicates">How many replicates each cell has; they are counted from 1.</param>
/// <param name="Keep">Which models outlast the sweep's end.</param>
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
    /// <summary>The data file as the text names it; null where the data set needs none.</summary>
    public string? DataFile { get; init; }

    /// <summary>Sweeps with a higher one are served first.</summary>
    public int Priority { get; init; }

    /// <summary>The most slots that train this sweep at once; null: as many as there are.</summary>
    public int? MaxSlots { get; init; }

    /// <summary>How often a trial is tried that fails for a reason that may pass, the first time included.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>The kind of devices that trains: cpu or cuda; null: that of whoever leases the first trial.</summary>
    public string? Device { get; init; }
}

/// <summary>One declared comparison with its cells, read from a sweep file and found valid.</summary>
public sealed record Sweep : SweepDeclaration
{
    /// <summary>The most trials that one sweep may have.</summary>
    public const int TrialLimit = 200_000;

    public Sweep(SweepDeclaration declaration, ImmutableArray<Cell> cells) : base(declaration) => Cells = cells;

    /// <summary>Each combination once, in the order of the search.</summary>
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

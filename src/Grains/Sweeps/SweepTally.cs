using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>A coordinator's cache of its sweep's results, rebuilt by a query to the store. Counts each trial once.</summary>
internal sealed class SweepTally
{
    /// <summary>The most levels of a sweep that are tracked.</summary>
    public const int MostLevels = 50;

    private readonly Sweep _sweep;
    private readonly Dictionary<string, CellTally> _cells;
    private readonly Dictionary<Outcome, int> _byOutcome = [];
    private readonly ImmutableArray<LevelTally> _levels;
    private CellTally? _best;
    private ImmutableArray<LevelResults>? _results;

    public SweepTally(Sweep sweep, IEnumerable<EndedTrial> ended)
    {
        _sweep = sweep;
        var levels = Watched(sweep).ToDictionary(level => level, level => new LevelTally(level.Factor, level.Value.ToString()));
        _levels = [.. levels.Values];
        _cells = sweep.Cells.Index().ToDictionary(cell => cell.Item.Id, cell => new CellTally(cell.Item, cell.Index, sweep.Replicates)
        {
            Levels = [.. cell.Item.Levels.Select(level => levels.GetValueOrDefault(level)).OfType<LevelTally>()],
        });
        foreach (var (cell, replicate, outcome, trainLoss, validationLoss, validationAccuracy, ailments) in ended)
            Record(cell, replicate, outcome, sweep.Objective.Of(outcome, trainLoss, validationLoss, validationAccuracy), ailments);
    }

    public int Ended { get; private set; }

    /// <summary>The cell with the best mean among those whose replicates all completed.</summary>
    public BestCell? Best { get; private set; }

    /// <summary>The results of each level so far, in the order of the file.</summary>
    public ImmutableArray<LevelResults> Levels => _results ??= [.. _levels.Select(level => level.Results)];

    public int Count(Outcome outcome) => _byOutcome.GetValueOrDefault(outcome);

    /// <summary>Counts an ending. Returns false if the sweep no longer names the trial or it was counted before.</summary>
    /// <param name="ailments">What was wrong with its gradients at the end; null if they were not checked.</param>
    public bool Record(TrialId trial, Outcome outcome, double? objective, Ailments? ailments) =>
        Record(trial.Cell, trial.Replicate, outcome, objective, ailments);

    private bool Record(string cellId, int replicate, Outcome outcome, double? objective, Ailments? ailments)
    {
        if (replicate > _sweep.Replicates || !_cells.TryGetValue(cellId, out var cell))
            return false;
        ref var recorded = ref cell.Replicates[replicate - 1];
        if (recorded.HasEnded)
            return false;
        recorded = (true, objective ?? 0);
        Ended++;
        _byOutcome[outcome] = Count(outcome) + 1;
        foreach (var level in cell.Levels)
            level.Record(outcome, objective, ailments);
        _results = null;
        if (objective is not null && ++cell.Completed == _sweep.Replicates)
            Challenge(cell);
        return true;
    }

    /// <summary>The levels of the first factors with listed levels, up to a limit: each is a time series of several metrics.</summary>
    private static IEnumerable<Level> Watched(Sweep sweep)
    {
        var count = 0;
        foreach (var factor in sweep.Factors)
        {
            if (factor.Domain is not Domain.Levels listed || count + listed.Values.Length > MostLevels)
                continue;
            count += listed.Values.Length;
            foreach (var value in listed.Values)
                yield return new(factor.Name, value);
        }
    }

    private void Challenge(CellTally cell)
    {
        // Summed in the order of the replicates, whatever order they arrived in, so that every reader gets the same sum.
        var mean = Mean.Of(cell.Replicates.Select(replicate => replicate.Objective)).Value!.Value;
        var better = _best is null ? 1 : _sweep.Objective.Goal is Goal.Maximize ? mean.CompareTo(Best!.Objective) : Best!.Objective.CompareTo(mean);
        if (better < 0 || (better == 0 && cell.Position > _best!.Position))
            return;
        _best = cell;
        Best = new(string.Join(", ", cell.Cell.Levels.Select(level => $"{level.Factor}={level.Value}")), mean);
    }

    private sealed class CellTally(Cell cell, int position, int replicates)
    {
        public Cell Cell => cell;

        /// <summary>The position in the search; of equal cells the first is the best.</summary>
        public int Position => position;

        /// <summary>The levels that are tracked.</summary>
        public required ImmutableArray<LevelTally> Levels { get; init; }

        public int Completed { get; set; }

        public (bool HasEnded, double Objective)[] Replicates { get; } = new (bool, double)[replicates];
    }
}

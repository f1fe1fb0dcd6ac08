using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Grains;

/// <summary>What a coordinator remembers of its sweep's results: a cache that a query to the store rebuilds. Counts each trial once.</summary>
internal sealed class SweepTally
{
    private readonly Sweep _sweep;
    private readonly Dictionary<string, CellTally> _cells;
    private readonly Dictionary<Outcome, int> _byOutcome = [];
    private CellTally? _best;

    public SweepTally(Sweep sweep, IEnumerable<EndedTrial> ended)
    {
        _sweep = sweep;
        _cells = sweep.Cells.Index().ToDictionary(cell => cell.Item.Id, cell => new CellTally(cell.Item, cell.Index, sweep.Replicates));
        foreach (var (cell, replicate, outcome, trainLoss, validationLoss, validationAccuracy) in ended)
            Record(cell, replicate, outcome, sweep.Objective.Of(outcome, trainLoss, validationLoss, validationAccuracy));
    }

    public int Ended { get; private set; }

    /// <summary>The cell with the best mean among those whose replicates all completed.</summary>
    public BestCell? Best { get; private set; }

    public int Count(Outcome outcome) => _byOutcome.GetValueOrDefault(outcome);

    /// <summary>Counts an ending. False: the sweep no longer names the trial, or it was counted before.</summary>
    public bool Record(TrialId trial, Outcome outcome, double? objective) => Record(trial.Cell, trial.Replicate, outcome, objective);

    private bool Record(string cellId, int replicate, Outcome outcome, double? objective)
    {
        if (replicate > _sweep.Replicates || !_cells.TryGetValue(cellId, out var cell))
            return false;
        ref var recorded = ref cell.Replicates[replicate - 1];
        if (recorded.HasEnded)
            return false;
        recorded = (true, objective ?? 0);
        Ended++;
        _byOutcome[outcome] = Count(outcome) + 1;
        if (objective is not null && ++cell.Completed == _sweep.Replicates)
            Challenge(cell);
        return true;
    }

    private void Challenge(CellTally cell)
    {
        // In the replicates' order, whatever order they came in: the sum is then the same as any other reader's.
        var mean = cell.Replicates.Sum(replicate => replicate.Objective) / cell.Completed;
        var better = _best is null ? 1 : _sweep.Objective.Goal is Goal.Maximize ? mean.CompareTo(Best!.Objective) : Best!.Objective.CompareTo(mean);
        if (better < 0 || (better == 0 && cell.Position > _best!.Position))
            return;
        _best = cell;
        Best = new(string.Join(", ", cell.Cell.Levels.Select(level => $"{level.Factor}={level.Value}")), mean);
    }

    private sealed class CellTally(Cell cell, int position, int replicates)
    {
        public Cell Cell => cell;

        /// <summary>In the order of the search; among equals the first is the best.</summary>
        public int Position => position;

        public int Completed { get; set; }

        public (bool HasEnded, double Objective)[] Replicates { get; } = new (bool, double)[replicates];
    }
}

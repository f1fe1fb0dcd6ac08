using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Grains;

/// <summary>What a coordinator remembers of its sweep's results: a cache that a query to the store rebuilds. Counts each trial once.</summary>
internal sealed class SweepTally
{
    private readonly Sweep _sweep;
    private readonly Dictionary<string, CellTally> _cells;
    private readonly Dictionary<Outcome, int> _byOutcome = [];
    private readonly HashSet<TrialId> _ended = [];

    public SweepTally(Sweep sweep, IEnumerable<TrialResult> results)
    {
        _sweep = sweep;
        _cells = sweep.Cells.ToDictionary(cell => cell.Id, cell => new CellTally(cell));
        foreach (var result in results)
            Record(result.Trial, result.Outcome, sweep.Objective.Of(result));
    }

    public int Ended => _ended.Count;

    /// <summary>The cell with the best mean among those whose replicates all completed.</summary>
    public BestCell? Best { get; private set; }

    public int Count(Outcome outcome) => _byOutcome.GetValueOrDefault(outcome);

    /// <summary>Counts an ending. Trials that the sweep no longer names are not counted, nor is one a second time.</summary>
    public void Record(TrialId trial, Outcome outcome, double? objective)
    {
        if (trial.Replicate > _sweep.Replicates || !_cells.TryGetValue(trial.Cell, out var cell) || !_ended.Add(trial))
            return;
        _byOutcome[outcome] = Count(outcome) + 1;
        if (objective is not { } value)
            return;
        cell.Sum += value;
        if (++cell.Completed == _sweep.Replicates)
            Challenge(cell);
    }

    private void Challenge(CellTally cell)
    {
        var mean = cell.Sum / cell.Completed;
        if (Best is null || (_sweep.Objective.Goal is Goal.Maximize ? mean > Best.Objective : mean < Best.Objective))
            Best = new(string.Join(", ", cell.Cell.Levels.Select(level => $"{level.Factor}={level.Value}")), mean);
    }

    private sealed class CellTally(Cell cell)
    {
        public Cell Cell => cell;

        public int Completed { get; set; }

        public double Sum { get; set; }
    }
}

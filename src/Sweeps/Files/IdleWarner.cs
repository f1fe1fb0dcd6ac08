using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>Warns of settings that have no effect, or not the intended one, without another setting.</summary>
internal sealed class IdleWarner(ImmutableArray<Cell> cells, ImmutableArray<Field> fields, Problems problems)
{
    public void Warn()
    {
        // SELU keeps mean 0 and variance 1 only with the initial weights of its paper, and not with batch norm. Klambauer et al. 2017.
        Warn(Parameters.Activation, "selu does not normalise itself without initializer lecun-normal, nor with batch norm", cell =>
            cell[Parameters.Activation] == "selu" && (cell[Parameters.Initializer] != "lecun-normal" || cell[Parameters.BatchNorm]));
        Warn(Parameters.Nesterov, "nesterov has no effect without momentum", cell =>
            cell[Parameters.Optimizer] == "sgd" && cell[Parameters.Nesterov] && cell[Parameters.Momentum] == 0);
        Warn(Parameters.Optimizer, "adamw without weightDecay is adam", cell =>
            cell[Parameters.Optimizer] == "adamw" && cell[Parameters.WeightDecay] == 0);
        Warn(Parameters.Schedule, "the step schedule never steps where scheduleEpochs is not below epochs", cell =>
            cell[Parameters.Schedule] == "step" && cell[Parameters.ScheduleEpochs] >= cell[Parameters.Epochs]);
        Warn(Parameters.WarmupEpochs, "the warm-up does not end before the training does, so no epoch is trained at the full learning rate; make warmupEpochs smaller than epochs", cell =>
            cell[Parameters.WarmupEpochs] >= cell[Parameters.Epochs]);
    }

    private void Warn(Parameter at, string rule, Func<Configuration, bool> isBroken)
    {
        var broken = cells.Count(cell => isBroken(cell.Configuration));
        if (broken > 0 && fields.FirstOrDefault(field => field.Name == at.Name) is { } field)
            problems.Warn(field.Place, field.Path, $"{rule}: in {broken:N0} of {cells.Length:N0} cells");
    }
}

using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Initializers;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Fusion;

/// <summary>Sets the initial weights of the trials of a stage.</summary>
internal static class StartWeights
{
    /// <param name="trials">The trials of the stage.</param>
    /// <param name="solo">Creates a stage of one trial, for initializers that use mini-batches.</param>
    public static void Fill(Stage stage, ImmutableArray<CohortTrial> trials, Func<ImmutableArray<CohortTrial>, Stage> solo)
    {
        foreach (var (place, (_, configuration)) in trials.Index())
        {
            using var scope = NewDisposeScope();
            Draw(stage, place, configuration);
            if (configuration[Parameters.Initializer] != "lsuv")
                continue;
            using var alone = solo([trials[place]]);
            Draw(alone, 0, configuration);
            Scale(alone);
            foreach (var (weight, scaled) in stage.Network.Weights.Zip(alone.Network.Weights))
                weight.Value[place].copy_(scaled.Value[0]);
        }
    }

    private static void Draw(Stage stage, int place, Configuration configuration)
    {
        foreach (var (shape, weight) in stage.Network.Shapes.Zip(stage.Network.Weights))
        {
            var start = Initializer.ByName[configuration[Parameters.Initializer]]
                .Weights(stage.DrawsOf(place), shape, configuration);
            weight.Value[place].narrow(0, 0, shape.Units).narrow(1, 0, shape.Inputs)
                .copy_(tensor(start, [shape.Units, shape.Inputs], weight.Value.dtype));
        }
    }

    /// <summary>Scales the weights layer by layer, based on the first mini-batch.</summary>
    private static void Scale(Stage alone)
    {
        foreach (var (shape, weight) in alone.Network.Shapes.Zip(alone.Network.Weights))
        {
            Lsuv.Rescale(
                () =>
                {
                    using var scope = NewDisposeScope();
                    var z = alone.Network.PreActivations(alone.FirstBatch, shape.Number).narrow(1, 0, shape.Units).to(ScalarType.Float64);
                    return (z - z.mean()).square().mean().item<double>();
                },
                factor =>
                {
                    using var scope = NewDisposeScope();
                    weight.Value.mul_(factor);
                });
        }
    }
}

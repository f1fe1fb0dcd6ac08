using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>Gives the trials of a stage the weights that they start from.</summary>
internal static class StartWeights
{
    // Mishkin and Matas 2016, algorithm 1.
    private const double Tolerance = 0.1;
    private const int MostRounds = 10;

    /// <param name="trials">Those of the stage.</param>
    /// <param name="solo">Makes a stage of one trial, for what looks at mini-batches.</param>
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
                .Weights(stage.DrawsOf(place), shape.Number, shape.Units, shape.Inputs, configuration);
            weight.Value[place].narrow(0, 0, shape.Units).narrow(1, 0, shape.Inputs)
                .copy_(tensor(start, [shape.Units, shape.Inputs], weight.Value.dtype));
        }
    }

    /// <summary>Scales layer by layer until the variance of the pre-activations on the first mini-batch is about 1.</summary>
    private static void Scale(Stage alone)
    {
        foreach (var (shape, weight) in alone.Network.Shapes.Zip(alone.Network.Weights))
        {
            for (var round = 0; round < MostRounds; round++)
            {
                using var scope = NewDisposeScope();
                var z = alone.Network.PreActivations(alone.FirstBatch, shape.Number).narrow(1, 0, shape.Units).to(ScalarType.Float64);
                var variance = (z - z.mean()).square().mean().item<double>();
                if (Math.Abs(variance - 1) < Tolerance || variance == 0 || !double.IsFinite(variance))
                    break;
                weight.Value.div_(Math.Sqrt(variance));
            }
        }
    }
}

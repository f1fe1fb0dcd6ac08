namespace DeepTrain.Cluster.Training.Initializers;

/// <summary>Layer-sequential unit variance: Mishkin and Matas 2016, algorithm 1, with its constants.</summary>
internal static class Lsuv
{
    public const double Tolerance = 0.1;
    public const int MaximumRounds = 10;

    /// <summary>Rescales one layer's weights until its pre-activations have unit variance; the layers below must be done.</summary>
    /// <param name="variance">That of the layer's pre-activations, before batch norm, over a mini-batch and all units.</param>
    /// <param name="multiply">Multiplies the layer's weights.</param>
    /// <remarks>A layer without any variance, or one that is not finite, stays as it is: no factor mends it.</remarks>
    public static void Rescale(Func<double> variance, Action<double> multiply)
    {
        for (var round = 0; round < MaximumRounds; round++)
        {
            var now = variance();
            if (Math.Abs(now - 1) < Tolerance || !double.IsNormal(now))
                return;
            multiply(1 / Math.Sqrt(now));
        }
    }
}

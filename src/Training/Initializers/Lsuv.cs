namespace DeepTrain.Cluster.Training.Initializers;

/// <summary>Layer-sequential unit variance: Mishkin and Matas 2016, algorithm 1, with its constants.</summary>
internal static class Lsuv
{
    public const double Tolerance = 0.1;
    public const int MaximumRounds = 10;

    /// <summary>Rescales one layer's weights until its pre-activations have unit variance. The layers below come first.</summary>
    /// <param name="variance">Measures the variance of the pre-activations, before batch norm, over a mini-batch and all units.</param>
    /// <param name="multiply">Multiplies the layer's weights.</param>
    /// <remarks>A layer whose variance is 0 or not finite stays unchanged, because no factor can correct it.</remarks>
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

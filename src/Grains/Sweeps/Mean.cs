namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>A mean of finite numbers that never overflows.</summary>
internal sealed class Mean
{
    // Scaling by a power of two is exact, and the sum over the most trials of a sweep stays finite.
    private const double Scale = 1.0 / (1 << 20);

    private double _sum;
    private int _count;

    /// <summary>The mean; null if there are no numbers.</summary>
    public double? Value => _count > 0 ? _sum / _count / Scale : null;

    public static Mean Of(IEnumerable<double> values)
    {
        var mean = new Mean();
        foreach (var value in values)
            mean.Add(value);
        return mean;
    }

    public void Add(double value)
    {
        _sum += value * Scale;
        _count++;
    }
}

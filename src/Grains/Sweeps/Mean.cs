namespace DeepTrain.Cluster.Grains.Sweeps;

/// <summary>A mean of finite numbers that is finite whatever they are.</summary>
internal sealed class Mean
{
    // A power of two changes no bit of a number, and the sum of as many trials as a sweep may have stays finite.
    private const double Scale = 1.0 / (1 << 20);

    private double _sum;
    private int _count;

    /// <summary>Null where there is nothing to take it of.</summary>
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

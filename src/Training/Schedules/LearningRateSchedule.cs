using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Training.Schedules;

/// <summary>A trial's learning rate at each of its steps.</summary>
/// <remarks>As in PyTorch: step and exponential change once an epoch, cosine and one-cycle (with fixed momentum) at each step.</remarks>
internal sealed class LearningRateSchedule
{
    private readonly double _peak;
    private readonly long _steps;
    private readonly long _warmupSteps;
    private readonly Func<long, double> _rate;

    /// <param name="stepsPerEpoch">The number of mini-batches in an epoch.</param>
    public LearningRateSchedule(Configuration configuration, int stepsPerEpoch)
    {
        _peak = configuration[Parameters.LearningRate];
        _steps = (long)configuration[Parameters.Epochs] * stepsPerEpoch;
        _warmupSteps = (long)Math.Round(configuration[Parameters.WarmupEpochs] * stepsPerEpoch, MidpointRounding.AwayFromZero);
        _rate = configuration[Parameters.Schedule] switch
        {
            "step" => Decay(configuration[Parameters.ScheduleGamma], (long)configuration[Parameters.ScheduleEpochs] * stepsPerEpoch),
            "exponential" => Decay(configuration[Parameters.ScheduleGamma], stepsPerEpoch),
            "cosine" => step => Anneal(_peak, 0, (double)step / _steps),
            "one-cycle" => OneCycle,
            _ => _ => _peak,
        };
    }

    /// <param name="step">Counted from 0 over all epochs.</param>
    public double Rate(long step) => step < _warmupSteps ? _rate(step) * (step + 1) / _warmupSteps : _rate(step);

    private Func<long, double> Decay(double factor, long period) => step => _peak * Math.Pow(factor, step / period);

    /// <summary>Smith and Topin 2018: up from peak / 25 over 30 % of the steps, then down to a 10,000th of the initial rate.</summary>
    private double OneCycle(long step)
    {
        var start = _peak / 25;
        var turn = 0.3 * _steps - 1;
        return step <= turn
            ? Anneal(start, _peak, step / turn)
            : Anneal(_peak, start / 1e4, (step - turn) / (_steps - 1 - turn));
    }

    /// <summary>Changes one rate to another along half a cosine. Loshchilov and Hutter 2017, eq. 5.</summary>
    private static double Anneal(double from, double to, double part) => to + (from - to) * (1 + Math.Cos(Math.PI * part)) / 2;
}

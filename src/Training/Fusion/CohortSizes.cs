using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Networks;
using DeepTrain.Cluster.Training.Optimizers;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Fusion;

/// <summary>How trials of one fusion key are best trained.</summary>
/// <param name="Size">How many together.</param>
/// <param name="Seconds">Of one trial's step in such a cohort, on one slot that has its core to itself.</param>
internal readonly record struct CohortTime(int Size, double Seconds);

/// <summary>How many trials are worth training together: tried once for each network, batch and device, remembered for the process.</summary>
/// <param name="time">What the trying is timed by.</param>
internal sealed class CohortSizes(TimeProvider time, ComputeDevice device)
{
    /// <summary>Weights and biases of a whole cohort on a processor: beyond it the gain is long over and the memory is not free.</summary>
    private const long MostNumbers = 16_000_000;

    /// <summary>Of a number of a network a GPU keeps value, gradient, velocity, what was before the update, and passing results.</summary>
    private const int BytesOfANumber = 8 * sizeof(float);

    /// <summary>The part of a GPU's memory that one cohort takes at most: the data set and what libtorch caches need the rest.</summary>
    private const double PartOfMemory = 0.5;

    /// <summary>Of sizes within this part of the best time the largest is taken.</summary>
    private const double AsGood = 0.05;

    private static readonly ImmutableArray<string> Activations = ["relu", "elu", "tanh", "logistic", "leaky-relu", "gelu"];

    private const int Batches = 2;
    private const int Rounds = 5;

    /// <summary>The least that one measurement takes: a shorter one says more about the clock and the caches than about the work.</summary>
    private static readonly TimeSpan LeastTime = TimeSpan.FromMilliseconds(2);

    private readonly ConcurrentDictionary<string, Lazy<CohortTime>> _sizes = new();

    public CohortTime Of(Configuration configuration, DatasetInfo info)
    {
        var trying = _sizes.GetOrAdd(configuration.FusionKey, _ => new(() => OnItsOwnThread(() =>
            Choose(size => SecondsPerTrialStep(configuration, info, size), MostFor(configuration, info)))));
        try
        {
            return trying.Value;
        }
        catch
        {
            // Whoever asks next may have the memory that was lacking.
            _sizes.TryRemove(new(configuration.FusionKey, trying));
            throw;
        }
    }

    /// <summary>Of 1, 2, 4, ... up to the most that the memory suffices for, the largest of those that are as good as the best.</summary>
    /// <param name="seconds">Measures the time of a trial's step in a cohort of some size.</param>
    /// <remarks>
    /// All sizes are measured in turn, round by round, and the least time of each counts: other work on the machine disturbs a measurement,
    /// and only ever adds to it. Nothing is left out early, since one disturbed measurement would decide it.
    /// </remarks>
    internal static CohortTime Choose(Func<int, double> seconds, int most)
    {
        var tried = new List<CohortTime>();
        for (var size = 1; size <= most; size *= 2)
            tried.Add(new(size, double.PositiveInfinity));
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < tried.Count; i++)
            {
                try
                {
                    tried[i] = tried[i] with { Seconds = Math.Min(tried[i].Seconds, seconds(tried[i].Size)) };
                }
                catch (Exception error) when (i > 0 && TorchRuntime.IsOutOfMemory(error))
                {
                    tried.RemoveRange(i, tried.Count - i);
                }
            }
        }
        var best = tried.Min(trial => trial.Seconds);
        return tried.Last(trial => trial.Seconds <= best * (1 + AsGood));
    }

    /// <summary>The caller's thread is not to take denormal numbers as zero for ever after.</summary>
    private static CohortTime OnItsOwnThread(Func<CohortTime> work)
    {
        var (time, error) = (default(CohortTime), default(ExceptionDispatchInfo));
        var thread = new Thread(() =>
        {
            try
            {
                time = work();
            }
            catch (Exception exception)
            {
                error = ExceptionDispatchInfo.Capture(exception);
            }
        });
        thread.Start();
        thread.Join();
        error?.Throw();
        return time;
    }

    /// <summary>More than the largest size of which something was ever gained; the memory may end it before.</summary>
    private int Most => device.Kind is DeviceKind.Cuda ? 1024 : 64;

    /// <summary>As many as the memory is expected to hold.</summary>
    internal int MostFor(Configuration configuration, DatasetInfo info)
    {
        var numbers = NetworkShape.Of(configuration, info.Features, info.Classes, info.Image)
            .Sum(layer => (layer.Depth + 1L) * layer.Width + (long)layer.Width * layer.Spots * configuration[Parameters.BatchSize] / 8);
        var room = device.Kind is DeviceKind.Cuda ? (long)(device.Memory * PartOfMemory / BytesOfANumber) : MostNumbers;
        return (int)Math.Clamp(room / numbers, 1, Most);
    }

    /// <summary>
    /// Trials that differ as those of a sweep do. Each activation, with and without batch norm, takes calls of its own, which only more
    /// trials pay for: alike ones would seem to be served best by far smaller cohorts.
    /// </summary>
    private static Configuration Mixed(Configuration configuration, int place) => Configuration.Resolve(
        new Dictionary<string, ParameterValue>(configuration.Values)
        {
            [Parameters.Activation.Name] = ParameterValue.Of(Activations[place / 2 % Activations.Length]),
            [Parameters.BatchNorm.Name] = ParameterValue.Of(place % 2 == 1 && configuration[Parameters.BatchSize] > 1),
        });

    /// <summary>Trains on random rows, after a first step that fills the caches.</summary>
    private double SecondsPerTrialStep(Configuration configuration, DatasetInfo info, int size)
    {
        TorchRuntime.FlushDenormals();
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var trials = TrialOrder.Sort(Enumerable.Range(0, size).Select(place => Mixed(configuration, place)), trial => trial).ToImmutableArray();
        var rows = configuration[Parameters.BatchSize];
        var on = new Placement(ScalarType.Float32, device.Torch);
        var data = new Dataset(info, rand(rows * Batches, info.Features, device: on.Device), [.. Enumerable.Range(0, rows * Batches).Select(row => row % info.Classes)]);
        try
        {
            using var network = new FusedNetwork(trials, info, [new(1)], NetworkShape.VectorElements, on);
            var batch = new Batch(data, size, 1, rows);
            var optimizer = new Optimizer(network.Learned, trials, Batches);
            var order = arange(rows * Batches, ScalarType.Int64, on.Device).view(Batches, rows);
            var loss = on.Sums(size);
            foreach (var weight in network.Weights)
                weight.Value.uniform_(-0.1, 0.1);
            optimizer.BeginEpoch(1);
            Train(0);
            var started = time.GetTimestamp();
            var steps = 0;
            do
                Train(++steps % Batches);
            while (time.GetElapsedTime(started) < LeastTime);
            return time.GetElapsedTime(started).TotalSeconds / steps / size;

            void Train(int step)
            {
                batch.Fill(order, step);
                network.Train(batch, step, loss);
                optimizer.Step(step);
                // A GPU has not done it yet.
                using var sum = loss.sum();
                sum.item<double>();
            }
        }
        finally
        {
            // A data set's own tensors outlive scopes.
            data.LabelTensor.Dispose();
            data.Targets.Dispose();
        }
    }
}

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

/// <summary>The best cohort size for trials of one fusion key.</summary>
/// <param name="Size">The number of trials to train together.</param>
/// <param name="Seconds">The time of one trial's step in such a cohort, on a slot that has its core to itself.</param>
internal readonly record struct CohortTime(int Size, double Seconds);

/// <summary>Measures how many trials to train together: once for each network, batch size and device in the process.</summary>
/// <param name="time">The clock for the measurements.</param>
internal sealed class CohortSizes(TimeProvider time, ComputeDevice device)
{
    /// <summary>The most weights and biases of a cohort on a processor. More bring no gain and cost memory.</summary>
    private const long MostNumbers = 16_000_000;

    /// <summary>For each number, a GPU stores value, gradient, velocity, value before the update, and intermediate results.</summary>
    private const int BytesOfANumber = 8 * sizeof(float);

    /// <summary>The largest part of a GPU's memory for one cohort. The data set and the caches of libtorch need the rest.</summary>
    private const double PartOfMemory = 0.5;

    /// <summary>Among sizes whose time is within this fraction of the best, the largest is chosen.</summary>
    private const double AsGood = 0.05;

    private static readonly ImmutableArray<string> Activations = ["relu", "elu", "tanh", "logistic", "leaky-relu", "gelu"];

    private const int Batches = 2;
    private const int Rounds = 5;

    /// <summary>The shortest measurement. A shorter one would depend mostly on the clock and the caches.</summary>
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
            // A later call may find enough memory.
            _sizes.TryRemove(new(configuration.FusionKey, trying));
            throw;
        }
    }

    /// <summary>Among 1, 2, 4, ... up to the limit of the memory, finds the largest size that is about as fast as the best.</summary>
    /// <param name="seconds">Measures the time of a trial's step in a cohort of a given size.</param>
    /// <remarks>
    /// All sizes are measured in each round, and the shortest time of each counts, because other work on the machine only ever lengthens
    /// a measurement. No size is dropped early, since a single disturbed measurement would decide it.
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

    /// <summary>Runs on a separate thread, because flushing denormals to zero cannot be undone for the caller's thread.</summary>
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

    /// <summary>The largest size to try: more than any that has ever been faster. The memory may impose a lower limit.</summary>
    private int Most => device.Kind is DeviceKind.Cuda ? 1024 : 64;

    /// <summary>The number of trials that should fit into the memory.</summary>
    internal int MostFor(Configuration configuration, DatasetInfo info)
    {
        var numbers = NetworkShape.Of(configuration, info.Features, info.Classes, info.Image)
            .Sum(layer => (layer.Depth + 1L) * layer.Width + (long)layer.Width * layer.Spots * configuration[Parameters.BatchSize] / 8);
        var room = device.Kind is DeviceKind.Cuda ? (long)(device.Memory * PartOfMemory / BytesOfANumber) : MostNumbers;
        return (int)Math.Clamp(room / numbers, 1, Most);
    }

    /// <summary>
    /// Varies the configuration as a sweep would. Each activation, with and without batch norm, needs calls of its own, whose cost only
    /// larger cohorts amortize. Identical trials would make much smaller cohorts seem best.
    /// </summary>
    private static Configuration Mixed(Configuration configuration, int place) => Configuration.Resolve(
        new Dictionary<string, ParameterValue>(configuration.Values)
        {
            [Parameters.Activation.Name] = ParameterValue.Of(Activations[place / 2 % Activations.Length]),
            [Parameters.BatchNorm.Name] = ParameterValue.Of(place % 2 == 1 && configuration[Parameters.BatchSize] > 1),
        });

    /// <summary>Trains on random rows. A first step, which is not measured, fills the caches.</summary>
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
                // Reading a result waits until the GPU has finished.
                using var sum = loss.sum();
                sum.item<double>();
            }
        }
        finally
        {
            // Dispose scopes do not free the tensors of a data set.
            data.LabelTensor.Dispose();
            data.Targets.Dispose();
        }
    }
}

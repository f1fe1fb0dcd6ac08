using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Bench;

/// <summary>What fusing gains on one device, by the size of the cohort.</summary>
/// <param name="Precision">fp32, or tf32: products round their factors to 10 bits.</param>
/// <param name="Solo">Trial-steps per second of TorchSharp's modules, autograd and optimizer, one trial.</param>
/// <param name="Cohorts">The sizes that were tried, up to the first that the memory did not hold.</param>
internal sealed record DeviceFigures(string Network, int Batch, string Device, string Precision, double Solo, IReadOnlyList<CohortFigures> Cohorts);

/// <param name="Rate">Trial-steps per second.</param>
/// <param name="MemoryBytes">Of the device in use, what libtorch keeps for later included; null where the device has none of its own.</param>
/// <param name="OfRoofline">The rate over what the device could do by its measured bandwidth and arithmetic, whichever is less.</param>
internal sealed record CohortFigures(int Size, double Rate, double OverSolo, long? MemoryBytes, double OfRoofline);

internal static class DeviceFusion
{
    private const int Rounds = 5;
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(0.5);
    private static readonly int[] Sizes = [1, 8, 32, 64, 128, 256, 512, 1024];
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static int Run(ComputeDevice device, IEnumerable<Work> works, TextWriter output, TextWriter progress, bool json)
    {
        var figures = new List<DeviceFigures>();
        foreach (var precision in new[] { "fp32", "tf32" })
        {
            TorchRuntime.AllowTf32(precision == "tf32");
            var (bandwidth, arithmetic) = (Bandwidth(device), Arithmetic(device));
            progress.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{device} {device.Name}, {precision}: {bandwidth / 1e9:F0} GB/s copied, {arithmetic / 1e12:F2} TFLOP/s in square products"));
            figures.AddRange(works.Select(work => Measure(work.On(device), device, precision, bandwidth, arithmetic, progress)));
        }
        if (json)
        {
            output.WriteLine(JsonSerializer.Serialize(figures, Json));
            return 0;
        }
        output.WriteLine($"{"network",-16}{"batch",6}{"",6}{"solo",10}{"cohort",8}{"fused",12}{"over solo",11}{"MiB",8}{"of roofline",13}");
        foreach (var figure in figures)
            foreach (var cohort in figure.Cohorts)
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{figure.Network,-16}{figure.Batch,6}{figure.Precision,6}{figure.Solo,10:F0}{cohort.Size,8}{cohort.Rate,12:F0}{cohort.OverSolo,11:F1}{cohort.MemoryBytes >> 20,8}{cohort.OfRoofline,13:P0}"));
        return 0;
    }

    private static DeviceFigures Measure(
        Work work, ComputeDevice device, string precision, double bandwidth, double arithmetic, TextWriter progress)
    {
        var roofline = Math.Min(bandwidth / work.Bytes, arithmetic / work.Operations);
        var solo = Rate(device, () => new StockTrial(work), out _);
        var cohorts = new List<CohortFigures>();
        foreach (var size in Sizes)
        {
            progress.WriteLine($"{work.Network}, {precision}: {size} trials");
            try
            {
                var rate = Rate(device, () => new FusedTrials(work, size), out var memory) * size;
                cohorts.Add(new(size, Math.Round(rate), Math.Round(rate / solo, 1), memory, Math.Round(rate / roofline, 3)));
            }
            catch (Exception error) when (TorchRuntime.IsOutOfMemory(error))
            {
                progress.WriteLine($"{work.Network}: {size} trials do not fit the memory");
                break;
            }
        }
        return new(work.Network, work.BatchSize, device.Name, precision, Math.Round(solo), cohorts);
    }

    /// <summary>Steps per second, the best of some rounds: what disturbs only slows.</summary>
    private static double Rate(ComputeDevice device, Func<ITrials> make, out long? memory)
    {
        using var trials = make();
        for (var warm = 0; warm < 10; warm++)
            trials.Step();
        device.Synchronise();
        memory = device.Memory - device.FreeMemory();
        var best = 0.0;
        for (var round = 0; round < Rounds; round++)
        {
            var (steps, clock) = (0, Stopwatch.StartNew());
            while (clock.Elapsed < Slice)
            {
                // Asked to wait after each, a GPU would be idle in between.
                for (var ahead = 0; ahead < 10; ahead++)
                    trials.Step();
                device.Synchronise();
                steps += 10;
            }
            best = Math.Max(best, steps / clock.Elapsed.TotalSeconds);
        }
        return best;
    }

    /// <summary>Bytes read and written per second by copying what no cache holds.</summary>
    private static double Bandwidth(ComputeDevice device)
    {
        using var scope = NewDisposeScope();
        var numbers = 1 << 28;
        var (from, to) = (zeros(numbers, device: device.Torch), zeros(numbers, device: device.Torch));
        return 2.0 * numbers * sizeof(float) * PerSecond(device, () => to.copy_(from));
    }

    /// <summary>Floating-point operations per second in a large square product.</summary>
    private static double Arithmetic(ComputeDevice device)
    {
        using var scope = NewDisposeScope();
        const int size = 8192;
        var (left, right) = (rand(size, size, device: device.Torch), rand(size, size, device: device.Torch));
        return 2.0 * size * size * size * PerSecond(device, () => matmul(left, right).Dispose());
    }

    private static double PerSecond(ComputeDevice device, Action act)
    {
        act();
        device.Synchronise();
        var best = double.PositiveInfinity;
        for (var round = 0; round < Rounds; round++)
        {
            var clock = Stopwatch.StartNew();
            act();
            device.Synchronise();
            best = Math.Min(best, clock.Elapsed.TotalSeconds);
        }
        return 1 / best;
    }
}

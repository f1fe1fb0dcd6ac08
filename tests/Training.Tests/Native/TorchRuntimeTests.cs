using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class TorchRuntimeTests
{
    // MKL's own choice of kernels failed for 10 x 32 x 9, whose 360 bytes lie on another boundary at each place.
    [Theory]
    [InlineData(10, 32, 9)]
    [InlineData(10, 32, 11)]
    [InlineData(10, 9, 32)]
    [InlineData(9, 64, 32)]
    [InlineData(9, 32, 64)]
    [InlineData(33, 20, 65)]
    public void EnsureLoaded_ProductsSideBySide_HaveTheBitsOfEachAlone(int units, int inputs, int columns)
    {
        using var scope = NewDisposeScope();
        var (left, right) = (Sample(9, units, inputs), Sample(9, inputs, columns));
        var together = bmm(left, right);
        for (var place = 0; place < 9; place++)
        {
            var alone = bmm(left.narrow(0, place, 1).clone(), right.narrow(0, place, 1).clone());
            Assert.True(alone.eq(together.narrow(0, place, 1)).all().item<bool>(), $"At place {place} it has other bits.");
        }
    }

    [Fact]
    public void Devices_WhereThereIsNoGpu_TrainsOnTheProcessorOrSaysWhy()
    {
        Assert.SkipWhen(ComputeDevice.Gpus().Length > 0, "There is a GPU.");

        Assert.Equal(ComputeDevice.Processor, Assert.Single(TorchRuntime.Devices(DeviceKind.Cpu).Devices));
        var (devices, idle) = TorchRuntime.Devices(null);
        Assert.Equal((ComputeDevice.Processor, null), (Assert.Single(devices), idle));
        var error = Assert.Throws<TrainerException>(() => TorchRuntime.Devices(DeviceKind.Cuda));
        Assert.Equal(FailureClass.NoTorch, error.FailureClass);
        Assert.StartsWith("There is no GPU for this process", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Numbers without a pattern, the same each time.</summary>
    private static Tensor Sample(int trials, int rows, int columns) =>
        arange(trials * rows * columns, ScalarType.Float64).mul(0.7548776662).frac().sub(0.5).to(ScalarType.Float32).view(trials, rows, columns);
}

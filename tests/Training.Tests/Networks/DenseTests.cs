using DeepTrain.Cluster.Training.Native;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class DenseTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void SharedInput_AsOneProduct_IsThatOfEachTrial(int trials)
    {
        TorchRuntime.EnsureLoaded();
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        random.manual_seed(7);
        var (weight, bias, input) = (rand(trials, 30, 48) - 0.5f, rand(trials, 30, 1), rand(1, 48, 16));
        var (x, transposed) = (input.expand(trials, -1, -1), input.transpose(1, 2).contiguous().expand(trials, -1, -1));
        var gradient = rand(trials, 30, 16) - 0.5f;
        var (whole, each) = (zeros(trials, 30, 16), zeros(trials, 30, 16));
        var (wholeGradient, eachGradient) = (zeros(trials, 30, 48), zeros(trials, 30, 48));
        var (wholeBias, eachBias) = (zeros(trials, 30, 1), zeros(trials, 30, 1));

        Kernels.Run("dense_shared", whole, weight, x, bias);
        Kernels.Run("dense", each, weight, x, bias);
        Kernels.Run("dense_gradient_shared", gradient, transposed, wholeGradient, wholeBias, 1);
        Kernels.Run("dense_gradient", gradient, transposed, eachGradient, eachBias);

        Assert.True(each.abs().max().item<float>() > 0.1);
        Assert.True(whole.allclose(each, rtol: 1e-5, atol: 1e-6));
        Assert.True(wholeGradient.allclose(eachGradient, rtol: 1e-5, atol: 1e-6));
        Assert.True(wholeBias.eq(eachBias).all().item<bool>());
    }
}

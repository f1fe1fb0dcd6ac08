using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>The sizes of one layer's linear map.</summary>
/// <param name="Number">Counted from 1; the output layer is the last.</param>
/// <param name="Units">The number of outputs; in a convolution, of channels.</param>
/// <param name="Inputs">The number of inputs of each unit; in a convolution, the channels below times the kernel's area.</param>
/// <param name="FanOut">The connections of each input: <paramref name="Units"/>, in a convolution times the kernel's area.</param>
/// <param name="Spots">At how many positions of a row the layer is applied: 1; in a convolution, the number of pixels.</param>
/// <param name="Width"><paramref name="Units"/>, padded.</param>
/// <param name="Depth"><paramref name="Inputs"/>, padded. The padding comes after the data.</param>
/// <param name="Image">The input of a convolution, with its channels padded.</param>
/// <param name="Pooled">The image that max pooling halves before this layer, with its channels padded.</param>
internal sealed record LayerShape(
    int Number, int Units, int Inputs, int FanOut, int Spots, int Width, int Depth, ImageShape? Image, ImageShape? Pooled)
{
    public bool IsOutput { get; init; }
}

/// <summary>The layers of a configuration's network.</summary>
/// <remarks>
/// Vector kernels treat the last few elements of a row differently. So hidden layers are padded with units whose output is 0 until
/// each trial's part of a buffer is a multiple of <see cref="VectorElements"/>.
/// </remarks>
internal static class NetworkShape
{
    /// <summary>The elements that libtorch's vector kernels process in one iteration: two registers of 16 floats.</summary>
    public const int VectorElements = 32;

    /// <summary>Convolutions are 3 x 3, with a border of zeros that keeps the image's size.</summary>
    public const int Kernel = 3;

    public static ImmutableArray<LayerShape> Of(Configuration configuration, int features, int classes, ImageShape? image)
    {
        var rows = configuration[Parameters.BatchSize];
        var layers = ImmutableArray.CreateBuilder<LayerShape>();
        var (inputs, depth) = (features, features);
        ImageShape? pooled = null;
        if (configuration[Parameters.Architecture] == "convolution")
        {
            if (image is null)
                throw new TrainerException(FailureClass.BadData,
                    $"architecture: convolution needs images, and {configuration[Parameters.Dataset]} has none; expected dense.");
            var channels = image.Channels;
            foreach (var units in configuration[Parameters.Channels])
            {
                var width = Pad(units, rows * image.Height * image.Width);
                layers.Add(new(layers.Count + 1, units, channels * Kernel * Kernel, units * Kernel * Kernel, image.Height * image.Width,
                    width, image.Channels * Kernel * Kernel, image, pooled));
                pooled = image with { Channels = width };
                image = new(width, image.Height / 2, image.Width / 2);
                channels = units;
                if (image.Height == 0 || image.Width == 0)
                    throw new TrainerException(FailureClass.BadData,
                        $"channels: {configuration[Parameters.Channels].Length} blocks, but pooling leaves nothing of the image after "
                        + $"{layers.Count}; expected fewer.");
            }
            (inputs, depth) = (channels * image.Height * image.Width, image.Channels * image.Height * image.Width);
        }
        foreach (var units in configuration[Parameters.Hidden])
        {
            layers.Add(new(layers.Count + 1, units, inputs, units, 1, Pad(units, rows), depth, null, pooled));
            (inputs, depth, pooled) = (units, layers[^1].Width, null);
        }
        layers.Add(new(layers.Count + 1, classes, inputs, classes, 1, classes, depth, null, null) { IsOutput = true });
        return layers.ToImmutable();
    }

    private static int Pad(int units, int columns)
    {
        var step = VectorElements / Gcd(VectorElements, columns);
        return (units + step - 1) / step * step;
    }

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
}

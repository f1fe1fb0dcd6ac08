using DeepTrain.Cluster.Training.Data;
using DeepTrain.Cluster.Training.Native;
using DeepTrain.Cluster.Training.Stacking;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>Builds a layer's input from the output below: max pooling halves images, and each convolution gets its patches.</summary>
/// <remarks>
/// Images are stored as [K, channels, height, width, rows], so that a convolution is the product of its weights with the patches as
/// columns, as in a dense layer, and its output is an image again. Of equal maxima, the first receives the pooling's gradient.
/// </remarks>
internal sealed class Bridge
{
    private readonly LayerShape _shape;
    private readonly Pooled? _pooled;
    private readonly Tensor? _padded; // [K, C, H + 2, W + 2, rows]
    private readonly Tensor? _spread; // [K, C, 3, 3, H, W, rows]: the padded image seen from each place of the kernel
    private readonly Tensor? _patches; // [K, C, 3, 3, H, W, rows]
    private readonly Tensor? _gradient; // [K, C, H, W, rows]

    /// <param name="trials">1 where all trials see the same rows.</param>
    /// <param name="below">The output of the layer below, [K, C, H * W * rows]; null where the input is the mini-batch.</param>
    /// <param name="belowGradient">Receives the loss gradient at that output; null where there is no backward pass.</param>
    public Bridge(LayerShape shape, int trials, int rows, Placement on, Tensor? below, Tensor? belowGradient)
    {
        _shape = shape;
        _pooled = shape.Pooled is { } image ? new(image, trials, rows, below!, belowGradient) : null;
        if (shape.Image is not { } seen)
        {
            Input = _pooled!.Output.view(trials, shape.Depth, rows);
            InputGradient = zeros_like(Input);
            _gradient = InputGradient;
            return;
        }
        _padded = on.Zeros(trials, seen.Channels, seen.Height + 2, seen.Width + 2, rows);
        var strides = _padded.stride();
        _spread = _padded.as_strided(
            [trials, seen.Channels, NetworkShape.Kernel, NetworkShape.Kernel, seen.Height, seen.Width, rows],
            [strides[0], strides[1], strides[2], strides[3], strides[2], strides[3], strides[4]]);
        _patches = on.Zeros(_spread.shape);
        Input = _patches.view(trials, shape.Depth, (long)shape.Spots * rows);
        InputGradient = _pooled is null ? null : zeros_like(Input);
        _gradient = _pooled is null ? null : on.Zeros(trials, seen.Channels, seen.Height, seen.Width, rows);
    }

    /// <summary>The input of the layer, [K, in, columns].</summary>
    public Tensor Input { get; }

    /// <summary>Buffers for the loss gradient at <see cref="Input"/>; null where there is no layer below.</summary>
    public Tensor? InputGradient { get; }

    /// <param name="batch">The mini-batch, [K, C * H * W, rows], where it is the input.</param>
    public void Forward(Tensor batch)
    {
        _pooled?.Forward();
        if (_shape.Image is { } size)
            Kernels.Run("patches", _pooled?.Output ?? batch, _padded!, _spread!, _patches!, size.Height, size.Width);
    }

    /// <summary>Computes the gradient at the output below from <see cref="InputGradient"/>.</summary>
    public void Backward()
    {
        if (_shape.Image is { } size)
        {
            using var columns = InputGradient!.view(_patches!.shape);
            Kernels.Run("patches_backward", columns, _gradient!, size.Height, size.Width);
        }
        _pooled!.Backward(_gradient!);
    }

    /// <summary>Max pooling over squares of 2 x 2. A last odd row or column is left out.</summary>
    private sealed class Pooled
    {
        private readonly Tensor[] _corners;
        private readonly Tensor[]? _cornerGradients;
        private readonly Tensor? _belowGradient;

        public Pooled(ImageShape image, int trials, int rows, Tensor below, Tensor? belowGradient)
        {
            Output = Placement.Of(below).Zeros(trials, image.Channels, image.Height / 2, image.Width / 2, rows);
            _corners = Corners(below);
            _cornerGradients = belowGradient is null ? null : Corners(belowGradient);
            _belowGradient = belowGradient;

            // Views of the four corners of all squares, row by row.
            Tensor[] Corners(Tensor tensor)
            {
                var squares = tensor.view(trials, image.Channels, image.Height, image.Width, rows);
                return
                [
                    .. from y in Enumerable.Range(0, 2)
                       from x in Enumerable.Range(0, 2)
                       select squares.slice(2, y, image.Height / 2 * 2, 2).slice(3, x, image.Width / 2 * 2, 2),
                ];
            }
        }

        /// <summary>[K, C, H / 2, W / 2, rows]</summary>
        public Tensor Output { get; }

        public void Forward() => Kernels.Run("max_pool", _corners, Output);

        public void Backward(Tensor gradient)
        {
            using var own = gradient.view(Output.shape);
            Kernels.Run("max_pool_backward", own, Output, _corners, _cornerGradients!, _belowGradient!);
        }
    }
}

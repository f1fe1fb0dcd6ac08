using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>Makes a layer's input of the output below: halves an image by max pooling, and lays out the patches that a convolution sees.</summary>
/// <remarks>
/// Images lie as [K, channels, height, width, rows], so that a convolution is the product of its weights with the patches as columns,
/// in the same layout as a dense layer, and its output is an image again. The pooling's gradient goes to the first of equal maxima.
/// </remarks>
internal sealed class Bridge
{
    private readonly LayerShape _shape;
    private readonly Pooled? _pooled;
    private readonly Tensor? _padded; // [K, C, H + 2, W + 2, rows]
    private readonly Tensor? _spread; // [K, C, 3, 3, H, W, rows]: the padded image seen from each place of the kernel
    private readonly Tensor? _patches; // [K, C, 3, 3, H, W, rows]
    private readonly Tensor? _gradient; // [K, C, H, W, rows]

    /// <param name="trials">1 where all see the same rows.</param>
    public Bridge(LayerShape shape, int trials, int rows, ScalarType type)
    {
        _shape = shape;
        _pooled = shape.Pooled is { } below ? new(below, trials, rows, type) : null;
        if (shape.Image is not { } image)
        {
            Input = _pooled!.Output.view(trials, shape.Depth, rows);
            InputGradient = zeros_like(Input);
            _gradient = InputGradient;
            return;
        }
        _padded = zeros([trials, image.Channels, image.Height + 2, image.Width + 2, rows], type);
        var strides = _padded.stride();
        _spread = _padded.as_strided(
            [trials, image.Channels, NetworkShape.Kernel, NetworkShape.Kernel, image.Height, image.Width, rows],
            [strides[0], strides[1], strides[2], strides[3], strides[2], strides[3], strides[4]]);
        _patches = zeros(_spread.shape, type);
        Input = _patches.view(trials, shape.Depth, (long)shape.Spots * rows);
        InputGradient = _pooled is null ? null : zeros_like(Input);
        _gradient = _pooled is null ? null : zeros([trials, image.Channels, image.Height, image.Width, rows], type);
    }

    /// <summary>What the layer sees, [K, in, columns].</summary>
    public Tensor Input { get; }

    /// <summary>Room for the loss gradient at <see cref="Input"/>; null where nothing is below.</summary>
    public Tensor? InputGradient { get; }

    /// <param name="below">[K, C, H * W * rows] of the layer below, or a mini-batch [K, C * H * W, rows].</param>
    public void Forward(Tensor below)
    {
        var image = _pooled?.Forward(below) ?? below;
        if (_shape.Image is { } size)
            Kernels.Run("patches", image, _padded!, _spread!, _patches!, size.Height, size.Width);
    }

    /// <summary>Turns <see cref="InputGradient"/> into the gradient at the output below.</summary>
    public void Backward(Tensor below)
    {
        if (_shape.Image is { } size)
        {
            using var columns = InputGradient!.view(_patches!.shape);
            Kernels.Run("patches_backward", columns, _gradient!, size.Height, size.Width);
        }
        _pooled!.Backward(_gradient!, below);
    }

    /// <summary>Max pooling over squares of 2 x 2; a last odd line is left out.</summary>
    private sealed class Pooled(ImageShape below, int trials, int rows, ScalarType type)
    {
        private Tensor[]? _corners;

        /// <summary>[K, C, H / 2, W / 2, rows]</summary>
        public Tensor Output { get; } = zeros([trials, below.Channels, below.Height / 2, below.Width / 2, rows], type);

        public Tensor Forward(Tensor image)
        {
            _corners ??= Corners(image);
            Kernels.Run("max_pool", _corners, Output);
            return Output;
        }

        public void Backward(Tensor gradient, Tensor image)
        {
            using var own = gradient.view(Output.shape);
            var corners = Corners(image);
            Kernels.Run("max_pool_backward", own, Output, _corners!, corners, image);
            foreach (var corner in corners)
                corner.Dispose();
        }

        /// <summary>The four places of all squares, row by row, as views.</summary>
        private Tensor[] Corners(Tensor image)
        {
            using var square = image.view(trials, below.Channels, below.Height, below.Width, rows);
            return
            [
                .. from y in Enumerable.Range(0, 2)
                   from x in Enumerable.Range(0, 2)
                   select square.slice(2, y, below.Height / 2 * 2, 2).slice(3, x, below.Width / 2 * 2, 2),
            ];
        }
    }
}

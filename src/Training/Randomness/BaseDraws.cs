using DeepTrain.Cluster.Sweeps.Randomness;
using DeepTrain.Cluster.Training.Native;
using MathNet.Numerics.Distributions;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Randomness;

/// <summary>The purpose of a random draw. It is part of the key, so that no two purposes share a draw.</summary>
internal enum Purpose
{
    Weights = 1,
    Split = 2,
    BatchOrder = 3,
    Dropout = 4,
    Slopes = 5,
}

/// <summary>A replicate's random numbers, the same in all cells. Each is a pure function of replicate, purpose and position.</summary>
internal sealed class BaseDraws(int replicate)
{
    private readonly Dictionary<(int Layer, int Rows, int Columns), double[]> _units = [];
    private readonly Dictionary<(int Layer, int Rows, int Columns), double[]> _normals = [];
    private readonly Dictionary<(int Layer, int Rows, int Columns), double[]> _orthogonals = [];

    /// <summary>Uniform in (0, 1), row by row, keyed by position. So a smaller layer's draws are a corner of a larger one's.</summary>
    public double[] Units(int layer, int rows, int columns)
    {
        if (_units.TryGetValue((layer, rows, columns), out var units))
            return units;
        units = new double[checked(rows * columns)];
        var key = Key(Purpose.Weights);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column += 2)
            {
                var (x0, x1, x2, x3) = Philox.Block(key, (uint)column / 2, (uint)row, (uint)layer);
                units[row * columns + column] = Philox.Unit(x0, x1);
                if (column + 1 < columns)
                    units[row * columns + column + 1] = Philox.Unit(x2, x3);
            }
        }
        return _units[(layer, rows, columns)] = units;
    }

    /// <summary>Standard normal numbers: the inverse distribution function of <see cref="Units"/>.</summary>
    public double[] Normals(int layer, int rows, int columns) =>
        _normals.TryGetValue((layer, rows, columns), out var normals)
            ? normals
            : _normals[(layer, rows, columns)] = Array.ConvertAll(Units(layer, rows, columns), unit => Normal.InvCDF(0, 1, unit));

    /// <summary>
    /// A uniformly distributed random matrix with orthonormal rows, or columns where it has fewer of them, row by row. It is Q of
    /// <see cref="Normals"/> = QR with a positive diagonal in R (Mezzadri 2007); of their transpose where rows are fewer.
    /// </summary>
    public double[] Orthogonals(int layer, int rows, int columns)
    {
        if (_orthogonals.TryGetValue((layer, rows, columns), out var orthogonals))
            return orthogonals;
        var wide = rows < columns;
        var normals = Normals(layer, rows, columns);
        orthogonals = new double[rows * columns];
        var vectors = new double[wide ? rows : columns][];
        for (var i = 0; i < vectors.Length; i++)
        {
            var vector = vectors[i] = new double[wide ? columns : rows];
            for (var k = 0; k < vector.Length; k++)
                vector[k] = normals[wide ? i * columns + k : k * columns + i];
            // The Gram-Schmidt process gives a positive diagonal. Two passes give orthogonality up to rounding (Giraud et al. 2005).
            for (var j = 0; j < 2 * i; j++)
                AddMultiple(vector, -Dot(vector, vectors[j % i]), vectors[j % i]);
            var norm = Math.Sqrt(Dot(vector, vector));
            for (var k = 0; k < vector.Length; k++)
                orthogonals[wide ? i * columns + k : k * columns + i] = vector[k] /= norm;
        }
        return _orthogonals[(layer, rows, columns)] = orthogonals;
    }

    /// <summary>The items in a random order, determined by the number of each item only.</summary>
    public int[] Shuffle(int[] items, Purpose purpose, int round)
    {
        var key = Key(purpose);
        var order = Array.ConvertAll(items, item => Philox.Block(key, (uint)item, 0, (uint)round) is var (x0, x1, _, _) ? (ulong)x0 << 32 | x1 : 0);
        Array.Sort(order, items);
        return items;
    }

    /// <summary>Uniform in [0, 1) with 24 bits, for one step of one layer, row by row. The key is the position.</summary>
    /// <param name="columns">The length of a row.</param>
    public void Fill(Span<float> numbers, Purpose purpose, int layer, int step, int columns)
    {
        const float part = 1f / (1 << 24);
        var key = Key(purpose);
        for (var row = 0; row * columns < numbers.Length; row++)
        {
            var own = numbers.Slice(row * columns, columns);
            for (var column = 0; column < columns; column += 4)
            {
                var (x0, x1, x2, x3) = Philox.Block(key, (uint)column / 4, (uint)row, (uint)layer, (uint)step);
                own[column] = (x0 >> 8) * part;
                if (column + 1 < columns)
                    own[column + 1] = (x1 >> 8) * part;
                if (column + 2 < columns)
                    own[column + 2] = (x2 >> 8) * part;
                if (column + 3 < columns)
                    own[column + 3] = (x3 >> 8) * part;
            }
        }
    }

    /// <summary>Generates the same numbers on the tensor's device, for several steps at once.</summary>
    /// <param name="numbers">[steps, rows, columns]</param>
    /// <param name="steps">[steps], int64, on the same device.</param>
    public void Fill(Tensor numbers, Purpose purpose, int layer, Tensor steps) =>
        Kernels.Run("uniforms", numbers, steps, layer, replicate, (int)purpose);

    private static double Dot(double[] a, double[] b)
    {
        var sum = 0.0;
        for (var k = 0; k < a.Length; k++)
            sum += a[k] * b[k];
        return sum;
    }

    private static void AddMultiple(double[] to, double factor, double[] of)
    {
        for (var k = 0; k < to.Length; k++)
            to[k] += factor * of[k];
    }

    private ulong Key(Purpose purpose) => (ulong)purpose << 32 | (uint)replicate;
}

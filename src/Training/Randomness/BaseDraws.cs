using DeepTrain.Cluster.Sweeps;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace DeepTrain.Cluster.Training;

/// <summary>What a random draw is for; part of its key, so that no two purposes share a draw.</summary>
internal enum Purpose
{
    Weights = 1,
    Split = 2,
    BatchOrder = 3,
}

/// <summary>A replicate's random numbers, the same for all cells: each a pure function of replicate, purpose and place.</summary>
internal sealed class BaseDraws(int replicate)
{
    private readonly Dictionary<(int Layer, int Rows, int Columns), double[]> _units = [];
    private readonly Dictionary<(int Layer, int Rows, int Columns), double[]> _normals = [];
    private readonly Dictionary<(int Layer, int Rows, int Columns), double[]> _orthogonals = [];

    /// <summary>Uniform in (0, 1), row by row; keyed by place, so a smaller layer's draws are a corner of a larger one's.</summary>
    public double[] Units(int layer, int rows, int columns)
    {
        if (_units.TryGetValue((layer, rows, columns), out var units))
            return units;
        units = new double[rows * columns];
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

    /// <summary>Standard normal: the inverse distribution function of <see cref="Units"/>.</summary>
    public double[] Normals(int layer, int rows, int columns) =>
        _normals.TryGetValue((layer, rows, columns), out var normals)
            ? normals
            : _normals[(layer, rows, columns)] = Array.ConvertAll(Units(layer, rows, columns), unit => Normal.InvCDF(0, 1, unit));

    /// <summary>
    /// A random matrix with orthonormal rows, or columns where it has fewer of them: Q of <see cref="Normals"/> = QR with a positive
    /// diagonal in R, which is evenly distributed (Mezzadri 2007); of their transpose where rows are fewer.
    /// </summary>
    public double[] Orthogonals(int layer, int rows, int columns)
    {
        if (_orthogonals.TryGetValue((layer, rows, columns), out var orthogonals))
            return orthogonals;
        var normals = Matrix<double>.Build.DenseOfRowMajor(rows, columns, Normals(layer, rows, columns));
        var qr = (rows < columns ? normals.Transpose() : normals).QR(QRMethod.Thin);
        var q = qr.Q;
        for (var column = 0; column < q.ColumnCount; column++)
        {
            if (qr.R[column, column] < 0)
                q.SetColumn(column, -q.Column(column));
        }
        return _orthogonals[(layer, rows, columns)] = (rows < columns ? q.Transpose() : q).ToRowMajorArray();
    }

    /// <summary>The items in a random order that depends on each item's number only.</summary>
    public int[] Shuffle(int[] items, Purpose purpose, int round)
    {
        var key = Key(purpose);
        var order = Array.ConvertAll(items, item => Philox.Block(key, (uint)item, 0, (uint)round) is var (x0, x1, _, _) ? (ulong)x0 << 32 | x1 : 0);
        Array.Sort(order, items);
        return items;
    }

    private ulong Key(Purpose purpose) => (ulong)purpose << 32 | (uint)replicate;
}

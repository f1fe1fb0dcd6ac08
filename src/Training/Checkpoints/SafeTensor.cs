using System.Collections.Immutable;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>The kinds of numbers that this program stores, by the names that the safetensors format gives them.</summary>
public enum NumberKind
{
    F32,
    F64,
    I64,
}

/// <summary>A tensor of a safetensors file: its numbers lie in row-major order, little-endian.</summary>
public sealed record SafeTensor(string Name, NumberKind Kind, ImmutableArray<long> Shape)
{
    /// <summary>Its length in bytes.</summary>
    /// <exception cref="OverflowException">No such tensor fits into any file.</exception>
    public long Length => Shape.Aggregate((long)ElementLength(Kind), (product, size) => checked(product * size));

    internal static int ElementLength(NumberKind kind) => kind is NumberKind.F32 ? sizeof(float) : sizeof(double);
}

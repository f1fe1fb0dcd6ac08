using System.Collections.Immutable;

namespace DeepTrain.Cluster.Training.Checkpoints;

/// <summary>The number types that this program stores, by their names in the safetensors format.</summary>
public enum NumberKind
{
    F32,
    F64,
    I64,
}

/// <summary>A tensor of a safetensors file. Its numbers are in row-major order, little-endian.</summary>
public sealed record SafeTensor(string Name, NumberKind Kind, ImmutableArray<long> Shape)
{
    /// <summary>The length in bytes.</summary>
    /// <exception cref="OverflowException">The tensor is too large for any file.</exception>
    public long Length => Shape.Aggregate((long)ElementLength(Kind), (product, size) => checked(product * size));

    internal static int ElementLength(NumberKind kind) => kind is NumberKind.F32 ? sizeof(float) : sizeof(double);
}

using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Randomness;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Search;

/// <summary>Draws levels of a factor. A draw depends only on the seed, the number of the sample and the factor.</summary>
internal sealed class Sampler(Factor factor, ulong seed)
{
    private readonly ulong _stream = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(factor.Name)));

    public Factor Factor => factor;

    public ParameterValue Draw(uint sample)
    {
        var (high, low, _, _) = Philox.Block(seed, sample, 0, (uint)_stream, (uint)(_stream >> 32));
        var unit = Philox.Unit(high, low);
        return factor.Domain switch
        {
            Domain.Levels levels => levels.Values[(int)(unit * levels.Values.Length)],
            Domain.Integers(var from, var to) => ParameterValue.Of(from + (long)(unit * ((long)to - from + 1))),
            Domain.Uniform(var from, var to) => Number(from + (unit * (to - from)), from, to),
            Domain.LogUniform(var from, var to) => Number(Math.Exp(Math.Log(from) + (unit * (Math.Log(to) - Math.Log(from)))), from, to),
            _ => throw new InvalidOperationException($"{factor.Domain} is no domain."),
        };
    }

    /// <summary>Rounds to six digits, because the last bits of a logarithm differ between machines.</summary>
    private static ParameterValue Number(double number, double from, double to) =>
        ParameterValue.Of(Math.Clamp(
            double.Parse(number.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture), from, to));
}

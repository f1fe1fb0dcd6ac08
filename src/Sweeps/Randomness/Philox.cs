namespace DeepTrain.Cluster.Sweeps.Randomness;

/// <summary>
/// Philox4x32-10: random bits as a pure function of a key and a counter, the same on every machine and in any order.
/// Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
/// </summary>
public static class Philox
{
    private const int Rounds = 10;
    private const double Part = 1.0 / (1L << 52);

    /// <summary>Generates 128 random bits. The lowest word of the counter is c0.</summary>
    /// <param name="key">Its lower half is the first key word of the algorithm.</param>
    public static (uint X0, uint X1, uint X2, uint X3) Block(ulong key, uint c0, uint c1 = 0, uint c2 = 0, uint c3 = 0)
    {
        var (k0, k1) = ((uint)key, (uint)(key >> 32));
        for (var round = 0; round < Rounds; round++)
        {
            var product0 = 0xD2511F53UL * c0;
            var product1 = 0xCD9E8D57UL * c2;
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ k0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ k1, (uint)product0);
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }

        return (c0, c1, c2, c3);
    }

    /// <summary>A number in the open interval (0, 1): the midpoint of one of its 2^52 equal parts.</summary>
    public static double Unit(uint high, uint low) => (((((ulong)high << 32) | low) >> 12) + 0.5) * Part;
}

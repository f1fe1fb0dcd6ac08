using System.IO.Compression;
using System.Runtime.InteropServices;
using CsCheck;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class NpzFileTests
{
    public static TheoryData<string> BrokenNames => [.. BrokenDataFiles.Npz().Select(file => file.Name)];

    [Theory]
    [MemberData(nameof(BrokenNames))]
    public void Read_BrokenFile_SaysWhatWithoutQuotingOrHoarding(string name)
    {
        var file = BrokenDataFiles.Npz().Single(file => file.Name == name);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<DataFileException>(() => NpzFile.Read(new MemoryStream(file.Content)));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
        Assert.Contains(file.Expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(BrokenDataFiles.Secret, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4, 2", null)]
    [InlineData("2, 2, 2", "1 2 2")]
    [InlineData("2, 1, 2, 2", "1 2 2")]
    [InlineData("2, 4, 1, 1", "4 1 1")]
    [InlineData("2, 1, 2, 2, 1", null)]
    public void Read_Shape_IsKeptWhereItIsAnImage(string shape, string? image)
    {
        var rows = int.Parse(shape.Split(',')[0], System.Globalization.CultureInfo.InvariantCulture);
        var (table, _) = NpzFile.Read(new MemoryStream(Npz.Of(
            ("x.npy", Npz.Floats(shape, 1, 2, 3, 4, 5, 6, 7, 8)), ("y.npy", Npz.Longs($"{rows},", [.. Enumerable.Range(0, rows).Select(i => i % 2L)])))));
        Assert.Equal((rows, 8 / rows, 2), (table.Info.Rows, table.Info.Features, table.Info.Classes));
        Assert.Equal(image, table.Info.Image is var (c, h, w) ? $"{c} {h} {w}" : null);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], table.Features);
        Assert.Null(table.Unscaled);
    }

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public void Read_AnyType_IsWhatWasWritten(CompressionLevel level)
    {
        Check("|u1", [3, 255], [3, 255]);
        Check("|i1", [3, 255], [3, -1]);
        Check("|b1", [1, 0], [1, 0]);
        Check("<u2", Bytes<ushort>(3, 65_535), [3, 65_535]);
        Check("<i2", Bytes<short>(3, -4), [3, -4]);
        Check("<u4", Bytes<uint>(3, 4_000_000_000), [3, 4e9f]);
        Check("<i4", Bytes<int>(3, -4), [3, -4]);
        Check("<u8", Bytes<ulong>(3, 18_000_000_000_000_000_000), [3, 18e18f]);
        Check("<i8", Bytes<long>(3, -4), [3, -4]);
        Check("<f2", Bytes<Half>((Half)0.5, (Half)(-2)), [0.5f, -2]);
        Check("<f4", Bytes<float>(0.1f, -2), [0.1f, -2]);
        Check("<f8", Bytes<double>(0.1, -2), [0.1f, -2]);

        void Check(string type, byte[] values, float[] expected)
        {
            foreach (byte version in (byte[])[1, 2, 3])
            {
                var file = Npz.Of(level, ("x.npy", Npz.Array(type, "2, 1", values, version: version)), ("y.npy", Npz.Array("|u1", "2, 1", [7, 3])));
                var (table, _) = NpzFile.Read(new MemoryStream(file));
                Assert.Equal(expected, table.Features);
                Assert.Equal([1, 0], table.Labels);
            }
        }

        static byte[] Bytes<T>(params T[] values) where T : struct => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }

    [Fact]
    public void Read_ManyRows_KeepsEach() => Gen.Select(Gen.Int[2, 3_000], Gen.Int[1, 40]).Sample((rows, features) =>
    {
        var numbers = Enumerable.Range(0, rows * features).Select(i => (float)i).ToArray();
        var (table, _) = NpzFile.Read(new MemoryStream(Npz.Of(
            ("x.npy", Npz.Floats($"{rows}, {features}", numbers)), ("y.npy", Npz.Longs($"{rows},", [.. Enumerable.Range(0, rows).Select(i => -(long)i % 5)])))));
        Assert.Equal(numbers, table.Features);
        Assert.Equal(Enumerable.Range(0, rows).Select(i => Math.Min(rows, 5) - 1 - i % 5), table.Labels);
    }, iter: 30);

    [Fact]
    public void Read_AnyDamage_IsATableOrAClearError()
    {
        var good = Npz.Of(("x.npy", Npz.Floats("4, 2", 1, 2, 3, 4, 5, 6, 7, 8)), ("y.npy", Npz.Longs("4,", 0, 1, 0, 1)));
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte).Array[1, 4].Sample(changes =>
        {
            var file = good.ToArray();
            foreach (var (at, value) in changes)
                file[at] = value;
            try
            {
                NpzFile.Read(new MemoryStream(file));
            }
            catch (DataFileException error)
            {
                Assert.NotEmpty(error.Message);
            }
        });
    }
}

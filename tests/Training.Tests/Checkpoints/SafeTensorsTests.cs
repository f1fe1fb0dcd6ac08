using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using CsCheck;
using DeepTrain.Cluster.Silo.Tests;
using DeepTrain.Cluster.Training.Checkpoints;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder["tensors.safetensors"];

    public void Dispose() => _folder.Dispose();

    private static readonly Gen<Dictionary<string, (NumberKind Kind, long[] Shape)>> Files =
        Gen.Dictionary(Gen.String[1, 12].Where(name => name != "__metadata__" && !name.Any(char.IsSurrogate)),
            Gen.Select(Gen.Enum<NumberKind>(), Gen.Long[0, 4].Array[0, 4]))[0, 6];

    [Fact]
    public void Save_AnyTensors_AreReadBack() => Files.SampleNoThreads(TestContext.Current.TestOutputHelper!.WriteLine, file =>
    {
        var contents = file.ToDictionary(tensor => tensor.Key, tensor =>
        {
            var bytes = new byte[new SafeTensor("", tensor.Value.Kind, [.. tensor.Value.Shape]).Length];
            new Random(tensor.Key.Length).NextBytes(bytes);
            return bytes;
        });
        SafeTensorsWriter.Save(Path, new Dictionary<string, string> { ["who"] = "me \"and\" {you}" },
            [.. file.Select(tensor => new SafeTensor(tensor.Key, tensor.Value.Kind, [.. tensor.Value.Shape]))],
            (tensor, stream) => stream.Write(contents[tensor.Name]));

        using var read = SafeTensorsFile.Open(Path);
        Assert.Equal("me \"and\" {you}", Assert.Single(read.Metadata).Value);
        Assert.Equal(file.Keys.Order(), read.Tensors.Keys.Order());
        foreach (var (name, (kind, shape)) in file)
        {
            Assert.Equal((kind, shape.Length), (read.Tensors[name].Kind, read.Tensors[name].Shape.Length));
            Assert.Equal(shape, read.Tensors[name].Shape);
            var bytes = new byte[contents[name].Length];
            read.Read(name, 0, bytes);
            Assert.Equal(contents[name], bytes);
        }
    });

    [Fact]
    public void Read_PartOfATensor_GivesJustThat()
    {
        Save([new("numbers", NumberKind.I64, [4])], [.. Enumerable.Range(0, 32).Select(value => (byte)value)]);
        using var read = SafeTensorsFile.Open(Path);
        var bytes = new byte[8];

        read.Read("numbers", 16, bytes);

        Assert.Equal([16, 17, 18, 19, 20, 21, 22, 23], bytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => read.Read("numbers", 25, bytes));
    }

    [Fact]
    public void Save_WriterFails_LeavesTheOldFileAndNoDraft()
    {
        Save([new("numbers", NumberKind.F32, [1])], [1, 2, 3, 4]);

        Assert.Throws<IOException>(() => SafeTensorsWriter.Save(Path, ImmutableDictionary<string, string>.Empty,
            [new("numbers", NumberKind.F32, [1])], (_, _) => throw new IOException("No space left on device.")));

        Assert.Equal([Path], Directory.GetFiles(_folder.Root));
        using var read = SafeTensorsFile.Open(Path);
        Assert.Single(read.Tensors);
    }

    [Fact]
    public void Save_TensorStarts_AreMultiplesOfItsNumbersLength()
    {
        Save([new("a", NumberKind.F32, [3]), new("b", NumberKind.F64, [1]), new("c", NumberKind.I64, [2])], []);
        var bytes = File.ReadAllBytes(Path);
        var length = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        var header = JsonSerializer.Deserialize<JsonElement>(bytes.AsSpan(8, (int)length));

        Assert.Equal(0, length % 8);
        Assert.All((string[])["b", "c"], name => Assert.Equal(0, header.GetProperty(name).GetProperty("data_offsets")[0].GetInt64() % 8));
    }

    public static TheoryData<string, string, int> BrokenHeaders => new()
    {
        { "nothing", "", 0 },
        { "no object", "[]", 0 },
        { "no JSON", "{\"a\":", 0 },
        { "text behind it", "{} {}", 0 },
        { "nested deep", $"{{\"a\":{new string('[', 10_000)}", 0 },
        { "twice the same", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4 },
        { "no tensor", """{"a":3}""", 0 },
        { "no dtype", """{"a":{"shape":[1],"data_offsets":[0,4]}}""", 4 },
        { "more than a tensor has", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}""", 4 },
        { "another kind", """{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}""", 4 },
        { "kind is a number", """{"a":{"dtype":0,"shape":[1],"data_offsets":[0,4]}}""", 4 },
        { "shape is no list", """{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4 },
        { "negative size", """{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}""", 4 },
        { "half a size", """{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4 },
        { "size beyond numbers", """{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}""", 4 },
        { "product beyond numbers", """{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}""", 4 },
        { "larger than the file", """{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}""", 4 },
        { "one offset", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4 },
        { "offsets reversed", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4 },
        { "not its length", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4 },
        { "does not begin at 0", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8 },
        { "overlap", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8 },
        { "gap", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", 12 },
        { "cut off", """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7 },
        { "more behind it", """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5 },
        { "metadata of numbers", """{"__metadata__":{"epoch":3}}""", 0 },
        { "metadata is a text", """{"__metadata__":"x"}""", 0 },
        { "half a character", """{"__metadata__":{"a":"\ud800"}}""", 0 },
        { "half a character in a name", """{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4 },
    };

    [Theory]
    [MemberData(nameof(BrokenHeaders))]
    public void Open_BrokenHeader_IsRefused(string what, string header, int dataLength)
    {
        var text = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[8 + text.Length + dataLength];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, text.Length);
        text.CopyTo(bytes, 8);

        AssertRefused(bytes, what);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(12)]
    public void Open_FewBytes_IsRefused(int length) => AssertRefused([.. Enumerable.Repeat((byte)'{', length)], $"{length} bytes");

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(99_999_999)]
    public void Open_HeaderLongerThanTheFile_IsRefusedWithoutRoomForIt(long claimed)
    {
        var bytes = new byte[64];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, claimed);
        var before = GC.GetAllocatedBytesForCurrentThread();

        AssertRefused(bytes, $"{claimed}");

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    /// <summary>Whatever happens to a file's bytes, it is refused or means what its header says; nothing else is thrown.</summary>
    [Fact]
    public void Open_DamagedAnywhere_IsRefusedOrWhole()
    {
        Save([new("a", NumberKind.F32, [2, 3]), new("b", NumberKind.I64, [1])], []);
        var good = File.ReadAllBytes(Path);
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, good.Length]).SampleNoThreads(
            TestContext.Current.TestOutputHelper!.WriteLine, damage =>
            {
                var (at, value, length) = damage;
                byte[] bytes = [.. good];
                bytes[at] = value;
                File.WriteAllBytes(Path, bytes[..(at % 2 == 0 ? length : bytes.Length)]);
                try
                {
                    using var read = SafeTensorsFile.Open(Path);
                    foreach (var tensor in read.Tensors.Values)
                        read.Read(tensor.Name, 0, new byte[tensor.Length]);
                }
                catch (InvalidDataException error)
                {
                    Assert.StartsWith(Path, error.Message, StringComparison.Ordinal);
                }
            });
    }

    private void Save(SafeTensor[] tensors, byte[] bytes) =>
        SafeTensorsWriter.Save(Path, ImmutableDictionary<string, string>.Empty, tensors, (tensor, stream) =>
            stream.Write(bytes.Length > 0 ? bytes : new byte[tensor.Length]));

    private void AssertRefused(byte[] bytes, string what)
    {
        File.WriteAllBytes(Path, bytes);
        var error = Record.Exception(() => SafeTensorsFile.Open(Path).Dispose());
        Assert.True(error is InvalidDataException && error.Message.StartsWith(Path, StringComparison.Ordinal), $"{what}: {error}");
    }
}

file static class Sampling
{
    /// <summary>One after another: all use one file. A failure names its seed.</summary>
    public static void SampleNoThreads<T>(this Gen<T> gen, Action<string> write, Action<T> check) =>
        gen.Sample(check, writeLine: write, iter: 300, threads: 1);
}

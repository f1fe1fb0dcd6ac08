using System.Collections.Immutable;
using CsCheck;
using DeepTrain.Cluster.Silo.Tests;
using DeepTrain.Cluster.Training.Checkpoints;
using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class TensorFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Write_PartsOfAnyLength_AreTheWholeTensorAndAreReadBack() =>
        Gen.Select(Gen.Long[1, 5].Array[0, 4], Gen.Long[1, 200], Gen.Bool).Sample((shape, longestPart, isView) =>
        {
            using var scope = NewDisposeScope();
            var count = shape.Aggregate(1L, (product, size) => product * size);
            var tensor = arange(count, ScalarType.Int64).view(shape);
            if (isView && shape.Length > 1)
                tensor = tensor.transpose(0, 1);
            using var file = new MemoryStream();

            SafeTensorsWriter.Write(file, ImmutableDictionary<string, string>.Empty, [new("numbers", NumberKind.I64, [.. tensor.shape])],
                (_, stream) => TensorFile.Write(tensor, stream, longestPart));

            Assert.Equal(tensor.contiguous().bytes.ToArray(), file.ToArray()[^(int)(count * sizeof(long))..]);
            Assert.All(TensorFile.Parts(tensor, longestPart), part => Assert.InRange(part.numel() * sizeof(long), 1, Math.Max(longestPart, sizeof(long))));
            File.WriteAllBytes(_folder["numbers"], file.ToArray());
            using var saved = SafeTensorsFile.Open(_folder["numbers"]);
            var read = zeros(tensor.shape, ScalarType.Int64);
            TensorFile.Read(saved, "numbers", 0, read, longestPart);
            Assert.True(read.eq(tensor).all().item<bool>());
        }, writeLine: TestContext.Current.TestOutputHelper!.WriteLine, iter: 200, threads: 1);

    /// <summary>A view that repeats one number: it needs no more memory than the parts that are copied of it.</summary>
    [Theory]
    [InlineData(new long[] { 513, 1024, 1024 })]
    [InlineData(new long[] { 1, 1L << 29 | 1 })]
    public void Write_MoreBytesThanASpanHolds_WritesThemAll(long[] shape)
    {
        using var scope = NewDisposeScope();
        var tensor = ones(1).expand(shape);
        var described = new SafeTensor("weights", NumberKind.F32, [.. shape]);
        using var stream = new CountingStream();

        SafeTensorsWriter.Write(stream, ImmutableDictionary<string, string>.Empty, [described], (_, part) => TensorFile.Write(tensor, part));

        Assert.True(described.Length > int.MaxValue);
        Assert.InRange(stream.Length, described.Length, described.Length + 1_000);
        Assert.InRange(stream.LongestWrite, 1, TensorFile.LongestPart);
    }

    /// <summary>Reads what a sparse file of more than 2 GiB has near its end, which takes neither disk nor memory.</summary>
    [Fact]
    public void Read_BeyondTwoGibibytes_FindsTheNumbersThere()
    {
        const long count = (1L << 29) + 4;
        using (var file = File.Create(_folder["sparse"]))
        {
            SafeTensorsWriter.Write(file, ImmutableDictionary<string, string>.Empty, [new("weights", NumberKind.F32, [count])], (tensor, stream) =>
            {
                stream.Position += tensor.Length - sizeof(float);
                stream.Write(BitConverter.GetBytes(7f));
            });
        }
        using var scope = NewDisposeScope();
        using var saved = SafeTensorsFile.Open(_folder["sparse"]);
        var last = zeros(2);

        TensorFile.Read(saved, "weights", (count - 2) * sizeof(float), last);

        Assert.Equal([0f, 7f], last.data<float>().ToArray());
    }

    private sealed class CountingStream : Stream
    {
        private long _length;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _length;

        public override long Position { get => _length; set => throw new NotSupportedException(); }

        public long LongestWrite { get; private set; }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _length += buffer.Length;
            LongestWrite = Math.Max(LongestWrite, buffer.Length);
        }
    }
}

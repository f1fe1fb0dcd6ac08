using System.Net;
using System.Security.Cryptography;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Data;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class DownloadTests : IDisposable
{
    private static readonly byte[] Labels = [0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9];
    private static readonly OfficialFile File3 = new("labels", [3], Convert.ToHexStringLower(SHA256.HashData(Labels)));
    private static readonly Uri From = new("https://example.org/labels.gz");

    private readonly DataFiles _files = new();
    private readonly List<string> _told = [];

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Fetch_PublishedFile_IsKeptWhole()
    {
        Assert.Equal([7, 8, 9], Fetch(_ => new(HttpStatusCode.OK) { Content = new ByteArrayContent(Labels) }));
        Assert.Equal(Labels, File.ReadAllBytes(Assert.Single(Directory.GetFiles(_files["cache"]))));
        Assert.Equal(_files["cache/labels.gz"], Directory.GetFiles(_files["cache"])[0]);
        Assert.Contains(_told, line => line.Contains("example.org", StringComparison.Ordinal));
    }

    public static TheoryData<string, string, string> Failures => new()
    {
        { "missing", "404", "infrastructure" },
        { "other", "SHA-256 differs", "bad-data" },
        { "cut", "cut off", "bad-data" },
        { "page", "no IDX file", "bad-data" },
        { "endless", "larger than the published file", "bad-data" },
        { "no-network", "Name or service not known", "infrastructure" },
        { "broken", "connection reset", "infrastructure" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void Fetch_Failure_NamesCauseAndRemedyAndKeepsNothing(string kind, string expected, string failureClass)
    {
        var error = Assert.Throws<TrainerException>(() => Fetch(_ => kind switch
        {
            "missing" => new(HttpStatusCode.NotFound),
            "other" => Answer([.. Labels[..8], 1, 2, 3]),
            "cut" => Answer(Labels[..^1]),
            "page" => Answer("<html>log in</html>"u8.ToArray()),
            "endless" => new(HttpStatusCode.OK) { Content = new StreamContent(new Endless()) },
            "no-network" => throw new HttpRequestException("Name or service not known"),
            _ => new(HttpStatusCode.OK) { Content = new StreamContent(new Endless(new IOException("connection reset"))) },
        }));
        Assert.Equal(failureClass, error.FailureClass);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("--datasets", error.Message, StringComparison.Ordinal);
        Assert.Contains(From.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_files["cache"]));

        static HttpResponseMessage Answer(byte[] content) => new(HttpStatusCode.OK) { Content = new ByteArrayContent(content) };
    }

    [Fact]
    public void Fetch_CacheThatCannotBeMade_NamesItAndTheRemedy()
    {
        _files.Write("cache", "a file where the folder should be");
        var error = Assert.Throws<TrainerException>(() => Fetch(_ => throw new InvalidOperationException("Nothing is asked for.")));
        Assert.Equal("infrastructure", error.FailureClass);
        Assert.Contains(_files["cache"], error.Message, StringComparison.Ordinal);
        Assert.Contains("--datasets", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fetch_Interrupted_IsNoFailureOfTheData()
    {
        using var interruption = new CancellationTokenSource();
        interruption.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => Fetch(_ => new(HttpStatusCode.OK), interruption.Token));
        Assert.Empty(Directory.GetFiles(_files["cache"]));
    }

    private byte[] Fetch(Func<HttpRequestMessage, HttpResponseMessage> answer, CancellationToken cancellation = default) => Download.Fetch(
        From, _files["cache"], "mnist", File3, _files.Sources with { Network = () => new(new Answering(answer)) }, _told.Add, cancellation);

    private sealed class Answering(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            cancellationToken.IsCancellationRequested ? Task.FromCanceled<HttpResponseMessage>(cancellationToken) : Task.FromResult(answer(request));
    }

    /// <summary>Zeros without end, or an error.</summary>
    private sealed class Endless(Exception? error = null) : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            error is null ? new(buffer.Length) : throw error;
    }
}

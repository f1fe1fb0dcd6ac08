using System.Collections.Immutable;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Verbs;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class ExtendVerbTests
{
    [Theory]
    [InlineData("replicates: &n 1")]
    [InlineData("replicates: &n 3\ntraining: { epochs: *n }")]
    public async Task ExtendAsync_NumberThatCannotBeChangedAlone_SaysWhatToWrite(string lines)
    {
        var text = $"name: digits\ndataset: digits\nnetwork: {{ hidden: [8] }}\n{lines}\n";
        var overview = new SweepOverview(
            "digits-1", "digits", 1, SweepStatus.Finished, DateTimeOffset.UnixEpoch, null, null, 0, 0, ImmutableDictionary<Outcome, int>.Empty);
        var reader = Fake<ISweepReader>.Of((method, _) => method switch
        {
            nameof(ISweepReader.ListAsync) => Task.FromResult(ImmutableArray.Create(overview)),
            nameof(ISweepReader.FindAsync) => Task.FromResult<SweepOverview?>(overview),
            nameof(ISweepReader.ReadTextAsync) => Task.FromResult<string?>(text),
            _ => Task.FromResult(ImmutableArray<TrialResult>.Empty),
        });

        var error = await Assert.ThrowsAsync<UserException>(() => ExtendVerb.ExtendAsync(
            "digits", 5, new FakeLocation(reader, (_, _) => throw new InvalidOperationException()), OutputFormat.Table, CancellationToken.None));

        Assert.Equal(2, error.ExitCode);
        Assert.StartsWith("digits-1: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("write replicates: 5 into the file", error.Message, StringComparison.Ordinal);
    }
}

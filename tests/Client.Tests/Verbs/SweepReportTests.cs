using System.Collections.Immutable;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Verbs;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class SweepReportTests
{
    [Theory]
    [InlineData(SweepStatus.Finished, Outcome.Completed, 0, "")]
    [InlineData(SweepStatus.Finished, Outcome.Cancelled, 1, "1 of 2 trials were cancelled and have no result. To let them be trained: deeptrain retry digits-1\n")]
    [InlineData(SweepStatus.Finished, Outcome.Failed, 1, "")]
    public async Task WriteAsync_OutcomeOfATrial_DecidesTheExitCode(SweepStatus status, Outcome outcome, int exitCode, string said)
    {
        var overview = new SweepOverview("digits-1", "digits", 1, status, DateTimeOffset.UnixEpoch, null, null, 0, 0,
            ImmutableDictionary.CreateRange<Outcome, int>([new(outcome, 1), new(Outcome.Diverged, 1)]));
        var reader = Fake<ISweepReader>.Of((method, _) => method switch
        {
            nameof(ISweepReader.FindAsync) => Task.FromResult<SweepOverview?>(overview),
            nameof(ISweepReader.ReadTextAsync) => Task.FromResult<string?>("name: digits\ndataset: digits\nnetwork: { hidden: [8] }\n"),
            _ => Task.FromResult(ImmutableArray<TrialResult>.Empty),
        });
        var (output, errors) = (Console.Out, Console.Error);
        using var saidOutput = new StringWriter();
        using var saidErrors = new StringWriter { NewLine = "\n" };
        Console.SetOut(saidOutput);
        Console.SetError(saidErrors);
        try
        {
            Assert.Equal(exitCode, await SweepReport.WriteAsync(
                new FakeLocation(reader, (_, _) => null), "digits-1", OutputFormat.Table, TimeSpan.Zero, CancellationToken.None));
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
        Assert.Equal(said, saidErrors.ToString());
    }
}

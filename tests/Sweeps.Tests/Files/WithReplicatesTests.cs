using CsCheck;
using DeepTrain.Cluster.Sweeps.Files;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class WithReplicatesTests
{
    private const string Start = "name: a\ndataset: digits\nnetwork: { hidden: [8] }\n";

    [Theory]
    [InlineData(Start + "replicates: 3 # as ever\nkeep: all\n", Start + "replicates: 7 # as ever\nkeep: all\n")]
    [InlineData(Start + "replicates: 3", Start + "replicates: 7")]
    [InlineData(Start + "replicates:\r\n   0x10\r\n", Start + "replicates:\r\n   7\r\n")]
    [InlineData("# my sweep\n" + Start, "# my sweep\nreplicates: 7\n" + Start)]
    [InlineData("\uFEFF" + Start, "\uFEFFreplicates: 7\n" + Start)]
    [InlineData("---\n  name: a\n  dataset: digits\n  network: { hidden: [8] }\n...\n", "---\n  replicates: 7\n  name: a\n  dataset: digits\n  network: { hidden: [8] }\n...\n")]
    [InlineData("{ name: a, dataset: digits, network: { hidden: [8] }, replicates: 2}", "{ name: a, dataset: digits, network: { hidden: [8] }, replicates: 7}")]
    [InlineData("{name: a, dataset: digits, network: { hidden: [8] }}", "{replicates: 7, name: a, dataset: digits, network: { hidden: [8] }}")]
    [InlineData(Start + "training: { epochs: &n 3 }\nreplicates: *n\n", Start + "training: { epochs: &n 3 }\nreplicates: 7\n")]
    public void WithReplicates_AnyLayout_ChangesNothingElse(string text, string expected) =>
        Assert.Equal(expected, SweepFile.WithReplicates(text, 7));

    [Fact]
    public void WithReplicates_TextWithContent_KeepsItsLastLine()
    {
        var sweep = SweepFile.WithContent(
            SweepFile.Parse("name: a\ndataset: csv\ndataFile: a.csv\nnetwork: { hidden: [8] }\n", "a").Sweep!, new string('a', 64));

        var changed = SweepFile.Parse(SweepFile.WithReplicates(sweep.Text, 4), "a").Sweep!;

        Assert.Equal((4, sweep.Cells[0].Id), (changed.Replicates, changed.Cells[0].Id));
    }

    [Fact]
    public void WithReplicates_SharedByAnAlias_Throws()
    {
        var error = Assert.Throws<FormatException>(() => SweepFile.WithReplicates(Start + "replicates: &n 3\ntraining: { epochs: *n }\n", 7));
        Assert.Contains("replicates: 7", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithReplicates_MoreThanASweepMayHave_IsToldByReadingIt() =>
        Assert.Contains("200,000", SweepFile.Parse(SweepFile.WithReplicates(Start + "space: { batchNorm: [true, false] }", 150_000), "a")
            .Problems.Single().Message, StringComparison.Ordinal);

    [Fact]
    public void WithReplicates_AnyNumbersAndComments_KeepsCellsAndText() =>
        Gen.Select(Gen.Int[1, 1_000], Gen.Int[1, 1_000], Gen.Int[0, 4], Gen.String[Gen.Char["abc: {}#&*,"], 0, 10]).Sample(
            (before, after, place, comment) =>
            {
                var lines = "name: a\ndataset: digits\nspace: { activation: [relu, elu] }\nnetwork: { hidden: [8] }".Split('\n').ToList();
                lines.Insert(place, $"replicates: {before} # {comment}");

                Assert.Equal(
                    string.Join('\n', lines).Replace($"replicates: {before} #", $"replicates: {after} #", StringComparison.Ordinal),
                    SweepFile.WithReplicates(string.Join('\n', lines), after));
            });
}

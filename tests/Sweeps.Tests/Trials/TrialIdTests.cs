using CsCheck;
using DeepTrain.Cluster.Sweeps.Spec;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class TrialIdTests
{
    [Fact]
    public void Parse_WrittenId_GivesTheSameId() => Gen.Select(
        Gen.String[Gen.Char["abc-019"], 1, 20], Gen.Int[1, int.MaxValue], Gen.ULong, Gen.Int[1, Sweep.TrialLimit])
        .Sample((name, number, cell, replicate) =>
        {
            var id = new TrialId($"{name}-{number}", $"{cell:x16}", replicate);
            Assert.Equal(id, TrialId.Parse(id.ToString()));
        });

    [Theory]
    [InlineData("")]
    [InlineData("digits-1/0123456789abcdef")]
    [InlineData("digits/0123456789abcdef/r1")]
    [InlineData("digits-0/0123456789abcdef/r1")]
    [InlineData("digits-1/0123456789ABCDEF/r1")]
    [InlineData("digits-1/0123456789abcdef/r0")]
    [InlineData("digits-1/0123456789abcdef/r1\n")]
    [InlineData("a/digits-1/0123456789abcdef/r1")]
    public void TryParse_AnythingElse_IsRefused(string text)
    {
        Assert.False(TrialId.TryParse(text, out _));
        Assert.Throws<FormatException>(() => TrialId.Parse(text));
    }
}

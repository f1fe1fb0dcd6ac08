namespace DeepTrain.Cluster.Silo.Tests;

public sealed class CleanupElectionTests
{
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public void IsWon_ByTheFirstActiveCoordinator_AndNobodyElse(int self, bool isWon) =>
        Assert.Equal(isWon, Elections.Of(self, (3, "sweep trial"), (1, "trial"), (2, "dispatcher sweep")).IsWon);

    [Fact]
    public void IsWon_SiloThatIsNotActive_LosesEvenAlone() => Assert.False(Elections.Of(1).IsWon);
}

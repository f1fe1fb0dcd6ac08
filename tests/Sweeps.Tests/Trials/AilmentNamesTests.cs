using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Sweeps.Tests;

public sealed class AilmentNamesTests
{
    [Theory]
    [InlineData(Ailments.None, "healthy", "")]
    [InlineData(Ailments.Dying, "dying", "dying")]
    [InlineData(Ailments.Saturated | Ailments.Diverged | Ailments.Exploding, "diverged", "diverged exploding saturated")]
    public void Names_OfAilments_AreInTheOrderOfTheVerdict(Ailments ailments, string verdict, string flags)
    {
        Assert.Equal(verdict, ailments.Verdict());
        Assert.Equal(flags, string.Join(' ', ailments.Flags()));
    }
}

using DeepTrain.Cluster.Sweeps;

namespace DeepTrain.Cluster.Silo.Tests;

public class TrainersTests
{
    private static readonly Trainers WithoutTorch = new(null, CommandPolicy.Of("python3 train.py; sh other.sh "), TimeProvider.System);

    [Fact]
    public void Start_FusedWithoutTorch_FailsSo()
    {
        var fused = Configuration.Resolve(new Dictionary<string, ParameterValue> { ["dataset"] = ParameterValue.Of("digits") });

        Assert.Equal(1, WithoutTorch.CohortSize(fused));
        var error = Assert.Throws<TrainerException>(() => WithoutTorch.Start(new([new(new("a-1", fused.CellId, 1), fused)])));
        Assert.Equal(FailureClass.NoTorch, error.FailureClass);
    }

    [Fact]
    public void Start_Simulated_IsTrainedAnywhere()
    {
        using var run = WithoutTorch.Start(new([TrainerTrials.Simulated(0)]));

        Assert.Equal(3, WithoutTorch.CohortSize(TrainerTrials.Simulated(0).Configuration));
        Assert.Equal(0.75, Assert.Single(run.TrainEpoch()).ValidationAccuracy);
    }

    [Theory]
    [InlineData("python3", "train.py", "--fast")]
    [InlineData("python3")]
    [InlineData("python3 train.py")]
    [InlineData("sh", "-c", "true")]
    public void Start_CommandThatIsNotListed_IsRefusedWithTheRemedy(params string[] words)
    {
        var error = Assert.Throws<TrainerException>(() => WithoutTorch.Start(new([TrainerTrials.Command(words)])));

        Assert.Equal(FailureClass.CodeError, error.FailureClass);
        Assert.Contains("DEEPTRAIN_COMMANDS", error.Message, StringComparison.Ordinal);
        Assert.Contains($"'{string.Join(' ', words)}'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("python3 train.py;sh other.sh", true)]
    [InlineData(" sh other.sh ;; python3   train.py ", true)]
    [InlineData("python3 train.py --fast", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Allows_ListOfLines_TakesThoseAlone(string? lines, bool allowed)
    {
        Assert.Equal(allowed, CommandPolicy.Of(lines).Allows(["python3", "train.py"]));
        Assert.True(CommandPolicy.Any.Allows(["python3", "train.py"]));
    }
}

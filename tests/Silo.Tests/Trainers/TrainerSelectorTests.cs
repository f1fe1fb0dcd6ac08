using CsCheck;
using DeepTrain.Cluster.Silo.Settings;
using DeepTrain.Cluster.Silo.Trainers;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Silo.Tests;

public class TrainerSelectorTests
{
    private static readonly TrainerSelector WithoutTorch = new(null, CommandPolicy.Parse("python3 train.py; sh other.sh ")!, TimeProvider.System);

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
    [InlineData("sh", "-c", "exit 1; echo 'x' \"\u00e9\"")]
    [InlineData("")]
    [InlineData("[")]
    public void Start_CommandThatIsNotListed_IsRefusedWithTheRemedy(params string[] words)
    {
        var error = Assert.Throws<TrainerException>(() => WithoutTorch.Start(new([TrainerTrials.Command(words)])));

        Assert.Equal(FailureClass.CodeError, error.FailureClass);
        Assert.Contains("DEEPTRAIN_COMMANDS", error.Message, StringComparison.Ordinal);
        var listed = error.Message[(error.Message.IndexOf("add '", StringComparison.Ordinal) + "add '".Length)..error.Message.LastIndexOf("' to that setting", StringComparison.Ordinal)];
        Assert.True(CommandPolicy.Parse(listed)!.Allows([.. words]), listed);
    }

    [Theory]
    [InlineData("python3 train.py;sh other.sh", true)]
    [InlineData(" sh other.sh ;; python3   train.py ", true)]
    [InlineData("python3 train.py --fast", false)]
    [InlineData("", false)]
    [InlineData("""[["python3", "train.py"]]""", true)]
    [InlineData(""" [ ["sh", "-c", "a; b"], ["python3", "train.py"] ]""", true)]
    [InlineData("""[["python3 train.py"]]""", false)]
    [InlineData("[]", false)]
    public void Allows_ListOfCommands_TakesThoseAlone(string listed, bool allowed)
    {
        Assert.Equal(allowed, CommandPolicy.Parse(listed)!.Allows(["python3", "train.py"]));
        Assert.True(CommandPolicy.Any.Allows(["python3", "train.py"]));
        Assert.False(CommandPolicy.None.Allows(["python3", "train.py"]));
    }

    [Theory]
    [InlineData("[")]
    [InlineData("[[]]")]
    [InlineData("[null]")]
    [InlineData("""["python3 train.py"]""")]
    [InlineData("""[["python3", null]]""")]
    [InlineData("""[["python3", 1]]""")]
    [InlineData("""[["python3"]], [["sh"]]""")]
    public void Parse_NoListOfCommands_IsNull(string text) => Assert.Null(CommandPolicy.Parse(text));

    [Fact]
    public void Listed_AnyCommand_IsThatCommandAlone() => Gen.String[Gen.Char["ab ;[]\"'\\$\t\n\u00e9"], 0, 5].Array[1, 4].Sample(words =>
    {
        var policy = CommandPolicy.Parse(CommandPolicy.Listed([.. words]))!;
        Assert.True(policy.Allows([.. words]));
        Assert.False(policy.Allows([.. words, "more"]));
    });

    /// <summary>No character of lines had a meaning but ';' and the space, and none has got one.</summary>
    [Fact]
    public void Parse_Line_TakesQuotesAsTheyAre() => Assert.True(CommandPolicy.Parse("python3 it's.py \"a\" b\\c")!.Allows(["python3", "it's.py", "\"a\"", "b\\c"]));
}

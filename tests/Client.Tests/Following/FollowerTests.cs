using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Following;
using DeepTrain.Cluster.Grains.Monitoring;
using DeepTrain.Cluster.Grains.Store;
using Spectre.Console.Testing;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class FollowerTests
{
    [Fact]
    public async Task FollowAsync_SweepThatIsDeletedMeanwhile_SaysSo()
    {
        var looks = new Queue<SweepProgress?>([Views.Progress(total: 2), null]);
        var location = new FakeLocation(Fake<ISweepReader>.Of((_, _) => null), (_, _) => Task.FromResult(looks.Dequeue()));
        using var console = new TestConsole();
        using var lines = new StringWriter();
        var display = new ProgressDisplay(console, lines, TimeProvider.System);

        var error = await Assert.ThrowsAsync<UserException>(
            () => new Follower(location.Connection, TimeProvider.System).FollowAsync("digits-1", display, CancellationToken.None));

        Assert.Equal((3, "digits-1 was deleted."), (error.ExitCode, error.Message));
    }
}

using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Cluster.Tests;

public sealed class RunTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Run_StoreOfAnEarlierVersion_IsBroughtUpToDate()
    {
        var file = _workplace.Write(new SweepText("earlier"));
        (await _workplace.Run(file).WaitAsync()).Expect(0);
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(_workplace.Data, "sweeps.db")};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = """
                ALTER TABLE sweeps DROP COLUMN device;
                DELETE FROM __EFMigrationsHistory WHERE MigrationId LIKE '%_Devices'
                """;
            command.ExecuteNonQuery();
        }

        (await _workplace.Run(file).WaitAsync()).Expect(0).ExpectInErrors("earlier-1: ended before");

        var status = (await _workplace.Tell("status", "earlier", "--format", "json")).Expect(0).Json;
        Assert.Equal("cpu", status.GetProperty("device").GetString());
    }

    [Fact]
    public async Task Run_SmallSweep_PrintsTheContractAndTheSameNumbersWhenRunAnew()
    {
        var sweep = new SweepText("small") { Widths = [8, 9], Epochs = [3] };
        var file = _workplace.Write(sweep);

        var run = (await _workplace.Run(file).WaitAsync()).Expect(0).Json;

        Assert.Equal(["sweepId", "status", "trials", "best", "seconds"], Names(run));
        Assert.Equal("small-1", run.GetProperty("sweepId").GetString());
        Assert.Equal("finished", run.GetProperty("status").GetString());
        Assert.Equal(
            """{"total":8,"completed":8,"diverged":0,"stopped":0,"failed":0,"cancelled":0}""",
            JsonSerializer.Serialize(run.GetProperty("trials")));
        Assert.InRange(run.GetProperty("seconds").GetDouble(), 0.1, Eventually.Deadline.TotalSeconds);

        var results = (await _workplace.Tell("results", "small", "--format", "json")).Expect(0).Json.EnumerateArray().ToList();
        Assert.Equal(sweep.Trials, results.Count);
        Assert.All(results, AssertResult);
        AssertBest(run.GetProperty("best"), results);

        // How many slots share the work changes nothing either, be it that each trains a trial.
        foreach (var (number, slots) in new[] { (2, "1"), (3, "8") })
        {
            var again = (await _workplace.Run(file, "--new", "--slots", slots).WaitAsync()).Expect(0).Json;

            Assert.Equal($"small-{number}", again.GetProperty("sweepId").GetString());
            Assert.Equal(
                _workplace.Store.Trials("small-1").Select(trial => trial.Result),
                _workplace.Store.Trials($"small-{number}").Select(trial => trial.Result));
            Assert.Equal(
                run.GetProperty("best").GetProperty("objective").GetDouble(), again.GetProperty("best").GetProperty("objective").GetDouble());
        }
    }

    private static void AssertResult(JsonElement result)
    {
        Assert.Equal(
            ["trial", "cell", "replicate", "outcome", "objective", "trainLoss", "validationLoss", "validationAccuracy", "testAccuracy",
                "epochs", "seconds", "fence", "gradientStart", "gradientEnd", "flagsStart", "flagsEnd", "failure"],
            Names(result));
        Assert.Matches("^small-1/[0-9a-f]{16}/r[12]$", result.GetProperty("trial").GetString());
        var cell = result.GetProperty("cell");
        Assert.Equal(["width", "epochs", "activation"], Names(cell));
        Assert.Contains(cell.GetProperty("width").GetInt32(), (int[])[8, 9]);
        Assert.Contains(cell.GetProperty("activation").GetString(), (string[])["tanh", "relu"]);
        Assert.InRange(result.GetProperty("replicate").GetInt32(), 1, 2);
        Assert.Equal("completed", result.GetProperty("outcome").GetString());
        Assert.Equal(result.GetProperty("validationAccuracy").GetDouble(), result.GetProperty("objective").GetDouble());
        Assert.InRange(result.GetProperty("trainLoss").GetDouble(), 0, 3);
        Assert.InRange(result.GetProperty("validationLoss").GetDouble(), 0, 3);
        Assert.InRange(result.GetProperty("testAccuracy").GetDouble(), 0, 1);
        Assert.Equal(3, result.GetProperty("epochs").GetInt32());
        Assert.InRange(result.GetProperty("seconds").GetDouble(), double.Epsilon, Eventually.Deadline.TotalSeconds);
        Assert.Equal(1, result.GetProperty("fence").GetInt64());
    }

    /// <summary>The best cell and its numbers, worked out anew from the results.</summary>
    private static void AssertBest(JsonElement best, List<JsonElement> results)
    {
        Assert.Equal(["cell", "objective", "spread", "replicates", "trial", "testAccuracy"], Names(best));
        var cells = results.GroupBy(result => result.GetProperty("cell").GetRawText()).ToList();
        var (cell, mean) = cells
            .Select(trials => (Trials: trials.ToList(), Mean: trials.Average(trial => trial.GetProperty("objective").GetDouble())))
            .MaxBy(each => each.Mean);
        var first = cell[0].GetProperty("objective").GetDouble();
        var second = cell[1].GetProperty("objective").GetDouble();

        Assert.Equal(mean, best.GetProperty("objective").GetDouble());
        Assert.Equal(Math.Abs(first - second) / Math.Sqrt(2), best.GetProperty("spread").GetDouble(), 1e-12);
        Assert.Equal(2, best.GetProperty("replicates").GetInt32());
        Assert.Contains(best.GetProperty("trial").GetString(), cell.Select(trial => trial.GetProperty("trial").GetString()));
        Assert.Equal(
            cell.Average(trial => trial.GetProperty("testAccuracy").GetDouble()), best.GetProperty("testAccuracy").GetDouble(), 1e-12);
    }

    private static IEnumerable<string> Names(JsonElement value) => value.EnumerateObject().Select(property => property.Name);
}

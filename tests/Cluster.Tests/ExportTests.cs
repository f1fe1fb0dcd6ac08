using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace DeepTrain.Cluster.Cluster.Tests;

public sealed class ExportTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Export_KeptOrTrainedAgain_IsTheSameFile()
    {
        var file = _workplace.Write(new SweepText("kept"));
        var best = (await _workplace.Run(file).WaitAsync()).Expect(0).Json.GetProperty("best").GetProperty("trial").GetString()!;
        var models = Path.Combine(_workplace.Data, "models", "kept-1");
        Assert.Equal(2, Directory.GetFiles(models).Length);
        Assert.All(Directory.GetFiles(models), path => Assert.StartsWith(best.Split('/')[1], Path.GetFileName(path), StringComparison.Ordinal));

        var kept = (await _workplace.Tell("export", "kept", "--output", "kept.safetensors", "--format", "json")).Expect(0);
        Assert.Equal((best, false), (kept.Json.GetProperty("trial").GetString(), kept.Json.GetProperty("retrained").GetBoolean()));
        Directory.Delete(models, recursive: true);
        var again = (await _workplace.Tell("export", best[..^4])).Expect(3).ExpectInErrors("write more of it");
        again = (await _workplace.Tell("export", best, "--output", "again.safetensors")).Expect(0).ExpectInErrors("epoch 2 of 2");

        Assert.Equal(_workplace.PathOf("again.safetensors"), again.Output.Trim());
        Assert.Equal(
            await File.ReadAllBytesAsync(_workplace.PathOf("kept.safetensors")), await File.ReadAllBytesAsync(_workplace.PathOf("again.safetensors")));
    }

    [Fact]
    public async Task Export_StoredCurveIsAnother_IsRefusedUnlessAnotherBuildExplainsIt()
    {
        (await _workplace.Run(_workplace.Write(new SweepText("changed"))).WaitAsync()).Expect(0);
        Directory.Delete(Path.Combine(_workplace.Data, "models"), recursive: true);
        Change("UPDATE epochs SET train_loss = train_loss * 1.000001 WHERE epoch = 1");

        var refused = (await _workplace.Tell("export", "changed", "--output", "x.safetensors")).Expect(1).ExpectInErrors("train loss of epoch 1");
        Assert.Equal("", refused.Output);
        Assert.False(File.Exists(_workplace.PathOf("x.safetensors")));

        Change("UPDATE provenances SET cpu_capability = 'another'");
        (await _workplace.Tell("export", "changed", "--output", "x.safetensors")).Expect(0).ExpectInErrors("warning: ");
        Change("UPDATE epochs SET train_loss = train_loss * 2 WHERE epoch = 1");
        (await _workplace.Tell("export", "changed", "--output", "y.safetensors")).Expect(1);
    }

    [Fact]
    public async Task Export_StoredCurveLacksAnEpoch_IsRefused()
    {
        (await _workplace.Run(_workplace.Write(new SweepText("lacking"))).WaitAsync()).Expect(0);
        Directory.Delete(Path.Combine(_workplace.Data, "models"), recursive: true);
        Change("DELETE FROM epochs WHERE epoch = 1");

        (await _workplace.Tell("export", "lacking", "--output", "x.safetensors")).Expect(1).ExpectInErrors("train loss of epoch 1");
        Assert.False(File.Exists(_workplace.PathOf("x.safetensors")));
    }

    [Fact]
    public async Task Results_OfATrial_AreItsEpochsFromTheStateBeforeTraining()
    {
        (await _workplace.Run(_workplace.Write(new SweepText("curve"))).WaitAsync()).Expect(0);
        var results = (await _workplace.Tell("results", "curve", "--format", "json")).Expect(0).Json;
        Assert.All(results.EnumerateArray(), result => Assert.True(result.TryGetProperty("gradientStart", out _) && result.TryGetProperty("flagsEnd", out _)));
        var trial = results[0].GetProperty("trial").GetString()!;

        foreach (var name in (string[])[trial, trial["curve-1/".Length..]])
        {
            var curve = (await _workplace.Tell("results", "curve", "--trial", name, "--format", "json")).Expect(0).Json;
            Assert.Equal(trial, curve.GetProperty("trial").GetString());
            var epochs = curve.GetProperty("epochs").EnumerateArray().ToList();
            Assert.Equal([0, 1, 2], epochs.Select(epoch => epoch.GetProperty("epoch").GetInt32()));
            Assert.Equal(JsonValueKind.Null, epochs[0].GetProperty("trainLoss").ValueKind);
            Assert.Equal(results[0].GetProperty("validationLoss").GetDouble(), epochs[2].GetProperty("validationLoss").GetDouble());
        }
        (await _workplace.Tell("results", "curve", "--trial", "0000")).Expect(3).ExpectInErrors("no trial '0000'");
    }

    private void Change(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_workplace.Data, "sweeps.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}

using System.Text.Json;
using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>The program <c>silo</c> where there are no servers.</summary>
public sealed class SiloProgramTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public void Dispose() => _workplace.Dispose();

    [Fact]
    public async Task Run_BadSettings_NamesEachAndEnds()
    {
        var finished = (await _workplace.Silo("run", new()
        {
            ["DEEPTRAIN_ROLE"] = "foreman",
            ["DEEPTRAIN_SLOTS"] = "many",
            ["DEEPTRAIN_LEASE_SECONDS"] = "1",
            ["DEEPTRAIN_POSTGRES_HOST"] = "db.internal",
        }).WaitAsync()).Expect(2);

        Assert.Equal("", finished.Output);
        Assert.Collection(finished.Errors.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            line => Assert.StartsWith("error: DEEPTRAIN_LEASE_SECONDS is '1': expected ", line, StringComparison.Ordinal),
            line => Assert.StartsWith("error: DEEPTRAIN_POSTGRES_HOST is given, but redis.host (DEEPTRAIN_REDIS_HOST) is not", line, StringComparison.Ordinal),
            line => Assert.StartsWith("error: DEEPTRAIN_ROLE is 'foreman': expected ", line, StringComparison.Ordinal),
            line => Assert.StartsWith("error: DEEPTRAIN_SLOTS is 'many': expected ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_JsonLogAndServersThatDoNotAnswer_SaysSoInJson()
    {
        var port = $"{LoopbackPort.Free()}";

        var finished = (await _workplace.Silo("run", new()
        {
            ["DEEPTRAIN_LOG_FORMAT"] = "json", ["DEEPTRAIN_ROLE"] = "coordinator",
            ["DEEPTRAIN_SILO_PORT"] = $"{LoopbackPort.Free()}", ["DEEPTRAIN_GATEWAY_PORT"] = $"{LoopbackPort.Free()}", ["DEEPTRAIN_METRICS_PORT"] = "0",
            ["DEEPTRAIN_POSTGRES_HOST"] = "127.0.0.1", ["DEEPTRAIN_REDIS_HOST"] = "127.0.0.1", ["DEEPTRAIN_REDIS_PORT"] = port,
        }).WaitAsync()).Expect(3);

        var line = JsonDocument.Parse(Assert.Single(finished.Errors.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries))).RootElement;
        Assert.Equal("Critical", line.GetProperty("LogLevel").GetString());
        Assert.StartsWith($"Redis at 127.0.0.1:{port}: ", line.GetProperty("Message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_WithPasswords_ShowsNone()
    {
        string[] secrets = ["swordfish", "open sesame"];

        var finished = (await _workplace.Silo("settings", new()
        {
            ["DEEPTRAIN_POSTGRES_PASSWORD"] = secrets[0],
            ["DEEPTRAIN_REDIS_PASSWORD"] = secrets[1],
        }).WaitAsync()).Expect(0);

        Assert.Equal(2, finished.Output.Split("(secret)").Length - 1);
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, finished.Output + finished.Errors, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_Alone_TrainsWhatOthersSubmitOwnsItsFolderAndEndsWhenAsked()
    {
        var settings = new Dictionary<string, string> { ["DEEPTRAIN_METRICS_PORT"] = "0", ["DEEPTRAIN_SLOTS"] = "2" };
        var silo = _workplace.Silo("run", settings);
        await Eventually.True(() => silo.Errors.Contains(" is active at ", StringComparison.Ordinal), "the silo to say that it is active", silo);

        (await _workplace.Silo("run", settings).WaitAsync()).Expect(3)
            .ExpectInErrors($"error: {_workplace.Data}: another process owns this data folder.");
        (await _workplace.Tell("submit", _workplace.Write(new("small")))).Expect(0);
        await Eventually.True(() => _workplace.Store.Status("small-1") == "Finished", "the sweep to finish", silo);

        silo.SendTerminate();
        (await silo.WaitAsync()).Expect(0).ExpectInErrors(" has ended");
    }
}

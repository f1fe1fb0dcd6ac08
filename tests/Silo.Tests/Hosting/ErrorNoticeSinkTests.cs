using DeepTrain.Cluster.Silo.Hosting;
using Microsoft.Extensions.Time.Testing;
using Serilog;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class ErrorNoticeSinkTests
{
    [Fact]
    public void Emit_ErrorsOfOurs_AreToldOnceAMinuteEach()
    {
        var told = new List<string>();
        var time = new FakeTimeProvider();
        using var logger = new LoggerConfiguration().WriteTo.Sink(new ErrorNoticeSink(told.Add, time)).CreateLogger();
        var ours = logger.ForContext("SourceContext", "DeepTrain.Cluster.Silo.Any");

        ours.Error(new IOException("It is full."), "The {Number}. could not be written.", 1);
        ours.Error("The {Number}. could not be written.", 2);
        ours.Error("Another.");
        ours.Warning("It is slow.");
        logger.ForContext("SourceContext", "Orleans.Any").Error("Not ours.");
        time.Advance(TimeSpan.FromMinutes(1));
        ours.Error("The {Number}. could not be written.", 3);

        Assert.Equal(["The 1. could not be written. It is full.", "Another.", "The 3. could not be written."], told);
    }
}

using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Settings;

namespace DeepTrain.Cluster.Client.Tests;

/// <summary>A location that another process trains in.</summary>
/// <param name="sweep">The answer of a sweep's grain, by its id and the method's name.</param>
internal sealed class FakeLocation(ISweepReader reader, Func<string, string, object?> sweep) : SweepLocation
{
    public override ISweepReader Reader => reader;

    public override DataFolder Folder => throw new NotSupportedException();

    public override string Option => "";

    public SweepConnection Connection { get; } = new(
        Fake<IGrainFactory>.Of((_, key) => Fake<ISweepGrain>.Of((method, _) => sweep($"{((GrainId)key[0]!).Key}", method))),
        reader, "process 1", () => ValueTask.CompletedTask, CancellationToken.None);

    public override Task<SweepConnection> OpenAsync(EmbeddedSettings settings, TimeProvider time, CancellationToken cancellation) =>
        Task.FromResult(Connection);

    public override Task<SweepConnection> OpenAsync(CancellationToken cancellation) => Task.FromResult(Connection);

    public override Task<SweepConnection?> TryAttachAsync(CancellationToken cancellation) => Task.FromResult<SweepConnection?>(Connection);
}

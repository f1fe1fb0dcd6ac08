namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>An empty folder, gone when disposed.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("deeptrain-tests-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

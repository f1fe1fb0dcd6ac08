using DeepTrain.Cluster.Silo.Cleanup;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Silo.Tests;

public sealed class StaleDataFilesTests : IDisposable
{
    private static readonly string Used = new('a', 64);
    private static readonly string Unused = new('b', 64);

    private readonly TemporaryFolder _root = new();
    private readonly DataFolder _folder;

    public StaleDataFilesTests()
    {
        _folder = new(_root.Root);
        Directory.CreateDirectory(_folder.Datasets);
    }

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task DeleteAsync_OldFiles_LeavesThoseThatASweepNamesAndWhatIsNotOurs()
    {
        await using var fixture = await StoreFixture.CreateAsync();
        Assert.True(await fixture.Store.CreateAsync("mine-1", 1, SweepOf(Used)));
        Write(fixture, (Used, 90), (Unused, 61), (new('c', 64), 59), ($"{Used}.0.part", 61), ($"{Used}.1.part", 59), ("README", 90));

        await new StaleDataFiles(_folder, fixture.Store.Reader, fixture.Time).DeleteAsync(CancellationToken.None);

        Assert.Equal(["README", Used, $"{Used}.1.part", new('c', 64)], Names());
    }

    [Fact]
    public async Task DeleteAsync_SweepThatIsDeleted_LosesItsFileWithinTheHour()
    {
        await using var fixture = await StoreFixture.CreateAsync();
        Assert.True(await fixture.Store.CreateAsync("mine-1", 1, SweepOf(Used)));
        Write(fixture, (Used, 90));
        var files = new StaleDataFiles(_folder, fixture.Store.Reader, fixture.Time);
        await files.DeleteAsync(CancellationToken.None);
        Assert.True(await fixture.Store.DeleteAsync((await fixture.Store.OpenAsync("mine-1"))!.Coordinator));

        // The sweeps' files are not read again each minute.
        fixture.Time.Advance(TimeSpan.FromMinutes(59));
        await files.DeleteAsync(CancellationToken.None);
        Assert.Equal([Used], Names());

        fixture.Time.Advance(TimeSpan.FromMinutes(1));
        await files.DeleteAsync(CancellationToken.None);
        Assert.Empty(Names());
    }

    [Fact]
    public async Task DeleteAsync_FileThatIsSubmittedAgain_Stays()
    {
        await using var fixture = await StoreFixture.CreateAsync();
        var original = _root["data.csv"];
        File.WriteAllText(original, "a,label\n1,x\n");
        var content = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(original)));
        Training.Data.KeptFiles.Keep(original, content, _folder.Datasets, fixture.Time);
        File.SetLastWriteTimeUtc(Path.Combine(_folder.Datasets, content), (fixture.Time.GetUtcNow() - TimeSpan.FromHours(2)).UtcDateTime);
        Training.Data.KeptFiles.Keep(original, content, _folder.Datasets, fixture.Time);

        await new StaleDataFiles(_folder, fixture.Store.Reader, fixture.Time).DeleteAsync(CancellationToken.None);

        Assert.Equal([content], Names());
    }

    [Fact]
    public async Task DeleteAsync_NoFolder_DoesNothing()
    {
        await using var fixture = await StoreFixture.CreateAsync();
        Directory.Delete(_folder.Datasets);
        await new StaleDataFiles(_folder, fixture.Store.Reader, fixture.Time).DeleteAsync(CancellationToken.None);
    }

    private static Sweep SweepOf(string content) => SweepFile.WithContent(
        SweepFile.Parse("name: mine\ndataset: csv\ndataFile: data.csv\nnetwork: { hidden: [8] }\n", "mine.yaml").Sweep!, content);

    private void Write(SqliteFixture fixture, params (string Name, int Minutes)[] files)
    {
        foreach (var (name, minutes) in files)
        {
            File.WriteAllText(Path.Combine(_folder.Datasets, name), "");
            File.SetLastWriteTimeUtc(Path.Combine(_folder.Datasets, name), (fixture.Time.GetUtcNow() - TimeSpan.FromMinutes(minutes)).UtcDateTime);
        }
    }

    private IEnumerable<string?> Names() => Directory.GetFiles(_folder.Datasets).Select(Path.GetFileName).Order(StringComparer.Ordinal);
}

using System.Net.Sockets;
using System.Text.Json;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>What images hold, run as the manifests say; they are published first.</summary>
[Trait("Duration", "Long")]
public sealed class ImageTests(TrialServers servers) : IClassFixture<TrialServers>
{
    private const long LargestCoordinator = 150_000_000;
    private const int Terminate = 15;

    private const string Sweep = """
        name: small
        dataset: digits
        network: { hidden: [8] }
        training: { epochs: 2, batchSize: 32 }
        space: { activation: [relu, tanh] }
        search: { method: grid }
        replicates: 2
        """;

    public static TheoryData<string> Overlays => [.. Overlay.Names];

    [Fact]
    public async Task Coordinator_AsPublished_IsSmallAndWithoutLibTorch()
    {
        var files = new DirectoryInfo(await Image.PublishAsync("coordinator")).GetFiles("*", SearchOption.AllDirectories);

        Assert.InRange(files.Sum(file => file.Length), 0, LargestCoordinator);
        Assert.DoesNotContain(files, file => file.Name.StartsWith("libtorch", StringComparison.Ordinal) || file.Name.StartsWith("libc10", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Settings_OfEachPod_AreValid(string overlay)
    {
        var manifests = Manifests.Parse(Overlay.Text(overlay));
        var image = await Image.PublishAsync("coordinator");
        using var host = new PodHost(manifests, Stores.None);

        foreach (var pod in manifests.Pods.Where(pod => pod.IsOurs))
            (await host.Place(pod, image).ExecAsync("", "silo", "settings")).Expect(0);
    }

    [Fact]
    public async Task Programs_OfAnImage_AreNotRootAndCannotWriteBesideThemselves()
    {
        var manifests = Manifests.Parse(Overlay.Text(Overlay.Trial));
        using var host = new PodHost(manifests, Stores.None);
        var pod = host.Place(PodOf(manifests, "coordinator"), await Image.PublishAsync("coordinator"));

        var user = (await pod.ExecAsync("", "/bin/sh", "-c", "id -u")).Expect(0).Output.Trim();
        var written = await pod.ExecAsync("", "/bin/sh", "-c", "touch \"$TMPDIR/here\" && touch here");

        Assert.NotEqual("0", user);
        Assert.True(!Environment.IsPrivilegedProcess || user == $"{Dockerfile.User}", $"The user is {user}.");
        written.Expect(1);
        Assert.Contains("cannot touch 'here'", written.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Coordinator_BeforeTheMigration_EndsToBeStartedAgain()
    {
        var manifests = Manifests.Parse(Overlay.Text(Overlay.Trial));
        using var host = new PodHost(manifests, await servers.CreateStoreAsync());

        var ended = (await host.Place(PodOf(manifests, "coordinator"), await Image.PublishAsync("coordinator")).RunAsync()).Expect(3);

        Assert.Contains("Bring it up to date: silo migrate.", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trial_PodsAsTheManifestsSay_TrainWhatIsSubmittedInACoordinator()
    {
        var manifests = Manifests.Parse(Overlay.Text(Overlay.Trial));
        var (coordinators, workers) = (await Image.PublishAsync("coordinator"), await Image.PublishAsync("worker"));
        var before = (Content(coordinators), Content(workers));
        using var host = new PodHost(manifests, await servers.CreateStoreAsync());
        (await host.Place(PodOf(manifests, "migration"), coordinators).RunAsync()).Expect(0);
        var (coordinator, worker) = (host.Place(PodOf(manifests, "coordinator"), coordinators), host.Place(PodOf(manifests, "worker"), workers));
        await using var books = await coordinator.ServeAsync();
        await using var training = await worker.ServeAsync();

        var run = (await coordinator.ExecAsync(Sweep, "deeptrain", "run", "-", "--cluster", "--format", "json")).Expect(0);

        Assert.Equal(4, JsonSerializer.Deserialize<JsonElement>(run.Output).GetProperty("trials").GetProperty("completed").GetInt32());
        foreach (var pod in new[] { coordinator, worker })
        {
            await Listens(pod);
            await Answers(pod);
        }
        foreach (var process in new[] { training, books })
            await process.EndAsync(Terminate);
        Assert.Equal(before, (Content(coordinators), Content(workers)));
    }

    private static Pod PodOf(Manifests manifests, string component) => manifests.Pods.Single(pod => pod.IsOurs && pod.Component == component);

    /// <summary>Whatever the manifests say that a pod listens on.</summary>
    private static async Task Listens(HostedPod pod)
    {
        foreach (var port in pod.Pod.Container.Ports)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(pod.Address, port.ContainerPort);
        }
    }

    /// <summary>Whatever the manifests say that Kubernetes or Prometheus asks a pod for.</summary>
    private static async Task Answers(HostedPod pod)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };
        var container = pod.Pod.Container;
        var monitored = Manifests.Parse(Overlay.Text(Overlay.Production)).Of<PodMonitor>().Single().Spec.PodMetricsEndpoints.Single();
        foreach (var (port, path) in new[] { container.StartupProbe, container.ReadinessProbe, container.LivenessProbe }
            .Select(probe => (Port: probe.HttpGet.Port.ToString(), probe.HttpGet.Path)).Append((monitored.Port, monitored.Path)))
        {
            using var answer = await http.GetAsync(new Uri($"http://{pod.Address}:{pod.Pod.PortNamed(port)}{path}"));
            Assert.True(answer.IsSuccessStatusCode, $"{pod.Name} answers {path} at its port '{port}' with {(int)answer.StatusCode}.");
        }
    }

    /// <summary>What lies in a folder, and when it was written last.</summary>
    private static string Content(string folder) => string.Join('\n', new DirectoryInfo(folder).GetFiles("*", SearchOption.AllDirectories)
        .Select(file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc:O}").Order(StringComparer.Ordinal));
}

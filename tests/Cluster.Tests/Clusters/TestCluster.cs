using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A store, a membership, a shared folder, and silos as processes; all gone when disposed.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("deeptrain-cluster-").FullName;
    private readonly List<SiloProcess> _silos = [];
    private readonly List<DeepTrainProcess> _tools = [];

    private readonly TestServers _servers;
    private readonly bool _isAlone;

    private TestCluster(TestServers servers, bool isAlone, Dictionary<string, string> settings)
    {
        _servers = servers;
        _isAlone = isAlone;
        Store = new(Postgres.ConnectionString(settings["DEEPTRAIN_POSTGRES_DATABASE"]));
        Settings = new(settings) { ["DEEPTRAIN_DATA"] = Data };
        Directory.CreateDirectory(Data);
    }

    public PostgresServer Postgres => _servers.Postgres;

    public RedisServer Redis => _servers.Redis;

    public StoreServer Store { get; }

    public IReadOnlyList<SiloProcess> Silos => _silos;

    /// <summary>The folder that all silos share.</summary>
    public string Data => Path.Combine(_root, "data");

    /// <summary>What silos and commands that are started from now on find in their environment.</summary>
    public Dictionary<string, string> Settings { get; }

    /// <summary>What may explain why something is missing.</summary>
    public string Explain() => string.Join(Environment.NewLine, _silos.Select(silo => silo.Errors).Prepend(Store.Explain()));

    /// <summary>No silo yet, and an empty store on servers that others use too. Skips the test where the servers are not installed.</summary>
    public static async Task<TestCluster> StartAsync()
    {
        SkipWhereMissing();
        var servers = await SharedServers.GetAsync();
        return new(servers, isAlone: false, await servers.CreateStoreAsync());
    }

    /// <summary>The same on servers of its own, for tests that harm them.</summary>
    /// <param name="start">Starts PostgreSQL where it is not to be as usual.</param>
    public static async Task<TestCluster> StartAloneAsync(Func<Task<PostgresServer>>? start = null)
    {
        SkipWhereMissing();
        var servers = await TestServers.StartAsync(start);
        return new(servers, isAlone: true, await servers.CreateStoreAsync());
    }

    /// <summary>A place for a silo, with nobody in it yet.</summary>
    public SiloProcess Place(SiloSetup setup)
    {
        var environment = new Dictionary<string, string>(Settings)
        {
            ["DEEPTRAIN_ROLE"] = setup.Role,
            ["DEEPTRAIN_SLOTS"] = $"{setup.Slots}",
        };
        if (setup.PostgresPort is { } postgresPort)
            environment["DEEPTRAIN_POSTGRES_PORT"] = $"{postgresPort}";
        foreach (var (name, value) in setup.Environment)
            environment[name] = value;
        var silo = new SiloProcess($"silo{_silos.Count + 1}", _root, setup.Address, environment);
        _silos.Add(silo);
        return silo;
    }

    /// <summary>Starts silos and returns once all of them are active.</summary>
    public async Task<SiloProcess[]> AddAsync(params SiloSetup[] setups)
    {
        var silos = setups.Select(Place).ToArray();
        foreach (var silo in silos)
            silo.Start();
        foreach (var silo in silos)
            await silo.ActiveAsync();
        return silos;
    }

    /// <summary>Writes a sweep file under its sweep's name and submits it; returns the sweep's id.</summary>
    public Task<string> SubmitAsync(SweepText sweep) => SubmitAsync(sweep.Name, sweep.ToString());

    public async Task<string> SubmitAsync(string name, string text)
    {
        (await Tell("submit", Write($"{name}.yaml", text))).Expect(0);
        return $"{name}-1";
    }

    public string Write(string name, string content)
    {
        var path = Path.Combine(_root, name);
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>Runs a verb against the cluster and waits until it has ended.</summary>
    public Task<Finished> Tell(params string[] arguments) => Begin(arguments).WaitAsync();

    /// <summary>Starts a verb against the cluster.</summary>
    public DeepTrainProcess Begin(params string[] arguments) =>
        Tool(DeepTrainProcess.CommandLineProgram, [.. arguments, "--cluster", "--data", Data]);

    /// <summary>Waits for something in the store, or in the world.</summary>
    public Task Until(Func<bool> condition, string what, TimeSpan? within = null) =>
        Eventually.True(() => Task.FromResult(condition()), what, Explain, within);

    public Task UntilFinished(string sweep, TimeSpan? within = null) =>
        Until(() => Store.Status(sweep) == "Finished", $"{sweep} to finish", within);

    /// <summary>The silo that keeps the sweeps' books.</summary>
    public Task<SiloProcess> CoordinatorAsync() =>
        Eventually.Get(() => CoordinatorAmongAsync([.. _silos.Where(silo => silo.IsActive)]), "a silo that shows the sweep's state", Explain);

    /// <summary>Which of some silos shows the sweeps' state, as only their coordinator does; null: none says so now.</summary>
    public static async Task<SiloProcess?> CoordinatorAmongAsync(IReadOnlyList<SiloProcess> silos)
    {
        var shown = await Task.WhenAll(silos.Select(silo => silo.MetricAsync("deeptrain_sweep_trials_running")));
        return silos.Zip(shown).Where(pair => pair.Second is not null).Select(pair => pair.First).LastOrDefault();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _tools)
            process.Dispose();
        foreach (var silo in _silos)
            silo.Dispose();
        if (_isAlone)
            await _servers.DisposeAsync();
        Directory.Delete(_root, recursive: true);
        // Last, so that all is gone whatever they said.
        foreach (var said in _tools.Select(tool => tool.Said).Concat(_silos.Select(silo => silo.Said)))
            Assert.All([Postgres.Password, Redis.Password!], secret => Assert.DoesNotContain(secret, said, StringComparison.Ordinal));
    }

    private static void SkipWhereMissing()
    {
        PostgresServer.SkipWhereMissing();
        RedisServer.SkipWhereMissing();
    }

    private DeepTrainProcess Tool(string program, params string[] arguments)
    {
        var process = DeepTrainProcess.Start(program, _root, arguments, Settings);
        _tools.Add(process);
        return process;
    }
}

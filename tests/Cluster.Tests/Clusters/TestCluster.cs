using DeepTrain.Cluster.Servers;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A PostgreSQL, a Redis, a shared folder, and silos as processes; all gone when disposed.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("deeptrain-cluster-").FullName;
    private readonly List<SiloProcess> _silos = [];
    private readonly List<DeepTrainProcess> _tools = [];

    private TestCluster(PostgresServer postgres, RedisServer redis, string database)
    {
        Postgres = postgres;
        Redis = redis;
        Store = new(postgres.ConnectionString(database));
        Settings = new()
        {
            ["DEEPTRAIN_POSTGRES_HOST"] = postgres.Host,
            ["DEEPTRAIN_POSTGRES_PORT"] = $"{postgres.Port}",
            ["DEEPTRAIN_POSTGRES_DATABASE"] = database,
            ["DEEPTRAIN_POSTGRES_USER"] = postgres.User,
            ["DEEPTRAIN_POSTGRES_PASSWORD"] = postgres.Password,
            ["DEEPTRAIN_REDIS_HOST"] = redis.Host,
            ["DEEPTRAIN_REDIS_PORT"] = $"{redis.Port}",
            ["DEEPTRAIN_DATA"] = Data,
        };
    }

    public PostgresServer Postgres { get; }

    public RedisServer Redis { get; }

    public StoreServer Store { get; }

    public IReadOnlyList<SiloProcess> Silos => _silos;

    /// <summary>The folder that all silos share.</summary>
    public string Data => Path.Combine(_root, "data");

    /// <summary>What silos and commands that are started from now on find in their environment.</summary>
    public Dictionary<string, string> Settings { get; }

    /// <summary>What may explain why something is missing.</summary>
    public string Explain() => string.Join(Environment.NewLine, _silos.Select(silo => silo.Errors).Prepend(Store.Explain()));

    /// <summary>Servers with an empty store in the newest schema, and no silo yet. Skips the test where the servers are not installed.</summary>
    public static async Task<TestCluster> StartAsync()
    {
        PostgresServer.SkipWhereMissing();
        RedisServer.SkipWhereMissing();
        var postgres = await PostgresServer.StartAsync();
        RedisServer? redis = null;
        try
        {
            redis = await RedisServer.StartAsync();
            var cluster = new TestCluster(postgres, redis, await postgres.CreateDatabaseAsync());
            Directory.CreateDirectory(cluster.Data);
            (await cluster.MigrateAsync()).Expect(0);
            return cluster;
        }
        catch
        {
            await postgres.DisposeAsync();
            if (redis is not null)
                await redis.DisposeAsync();
            throw;
        }
    }

    public Task<Finished> MigrateAsync() => Tool(DeepTrainProcess.SiloProgram, "migrate").WaitAsync();

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
        if (setup.RedisPort is { } redisPort)
            environment["DEEPTRAIN_REDIS_PORT"] = $"{redisPort}";
        foreach (var (name, value) in setup.Environment)
            environment[name] = value;
        var silo = new SiloProcess($"silo{_silos.Count + 1}", _root, environment);
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

    /// <summary>The silo that keeps the sweeps' books: only it shows their state.</summary>
    public async Task<SiloProcess> CoordinatorAsync() => await Eventually.Get(async () =>
    {
        var active = _silos.Where(silo => silo.IsActive).ToList();
        var shown = await Task.WhenAll(active.Select(silo => silo.MetricAsync("deeptrain_sweep_trials_running")));
        return active.Zip(shown).Where(pair => pair.Second is not null).Select(pair => pair.First).LastOrDefault();
    }, "a silo that shows the sweep's state", Explain);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _tools)
            process.Dispose();
        foreach (var silo in _silos)
            silo.Dispose();
        await Postgres.DisposeAsync();
        await Redis.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    private DeepTrainProcess Tool(string program, params string[] arguments)
    {
        var process = DeepTrainProcess.Start(program, _root, arguments, Settings);
        _tools.Add(process);
        return process;
    }
}

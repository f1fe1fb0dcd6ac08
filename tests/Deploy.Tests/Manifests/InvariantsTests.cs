namespace DeepTrain.Cluster.Deploy.Tests;

public sealed class InvariantsTests
{
    public static TheoryData<string> Overlays => [.. Overlay.Names];

    /// <summary>An overlay, what of its text is broken and how, and which invariant says what of it.</summary>
    public static TheoryData<string, string, string, string, string> Breaks => new()
    {
        { "EverythingIsInItsNamespace", Overlay.Trial, "  name: to-redis\n  namespace: deeptrain", "  name: to-redis\n  namespace: default", "NetworkPolicy to-redis is in namespace 'default'." },
        { "EverythingIsInItsNamespace", Overlay.Trial, "enforce: restricted", "enforce: baseline", "does not enforce the restricted pod security." },
        { "SettingsExist", Overlay.Trial, "DEEPTRAIN_REDIS_HOST", "DEEPTRAIN_REDIS_HOTS", "there is no setting DEEPTRAIN_REDIS_HOTS." },
        { "NoSecretIsAVariable", Overlay.Trial, "DEEPTRAIN_REDIS_PASSWORD_FILE", "DEEPTRAIN_REDIS_PASSWORD", "shows a secret" },
        { "FilesOfSettingsAreMounted", Overlay.Production, "mountPath: /run/secrets/deeptrain/redis", "mountPath: /run/secrets/redis", "DEEPTRAIN_REDIS_CA is /run/secrets/deeptrain/redis/ca.crt, but nothing is mounted there." },
        { "FilesOfSettingsAreMounted", Overlay.Trial, "persistentVolumeClaim:\n          claimName: data", "emptyDir: {}", "DEEPTRAIN_DATA is /data, but what is there is not kept." },
        { "SilosAreNamedAndReached", Overlay.Trial, "status.podIP", "status.hostIP", "DEEPTRAIN_ADDRESS is 'status.hostIP'" },
        { "SilosAreNamedAndReached", Overlay.Trial, "value: coordinator", "value: both", "Deployment coordinator: DEEPTRAIN_ROLE is 'both'" },
        { "ReferencesExist", Overlay.Trial, "claimName: data", "claimName: date", "there is no PersistentVolumeClaim date." },
        { "ReferencesExist", Overlay.Production, "secretName: deeptrain-redis", "secretName: deeptrain-valkey", "there is no Secret deeptrain-valkey, and docs/kubernetes.md does not say how to make it." },
        { "ReferencesExist", Overlay.Trial, "kind: ConfigMap\nmetadata:\n  name: deeptrain", "kind: ConfigMap\nmetadata:\n  name: deepdrain", "there is no ConfigMap deeptrain" },
        { "ReferencesExist", Overlay.Trial, "DEEPTRAIN_POSTGRES_HOST: postgres", "DEEPTRAIN_POSTGRES_HOST: postgresql", "DEEPTRAIN_POSTGRES_HOST is postgresql, and there is no such Service." },
        { "PortsAreTheSilos", Overlay.Trial, "containerPort: 30000", "containerPort: 30001", "its port 'gateway' is 30001, but DEEPTRAIN_GATEWAY_PORT is 30000." },
        { "PortsAreTheSilos", Overlay.Trial, "DEEPTRAIN_DATA: /data", "DEEPTRAIN_DATA: /data\n  DEEPTRAIN_METRICS_PORT: \"9465\"", "its port 'metrics' is 9464, but DEEPTRAIN_METRICS_PORT is 9465." },
        { "ProbesFit", Overlay.Trial, "path: /health/live", "path: /healthz", "there is no probe of /health/live" },
        { "ProbesFit", Overlay.Trial, "failureThreshold: 6", "failureThreshold: 1", "it is restarted almost as soon as it is not ready." },
        { "ProbesFit", Overlay.Trial, "failureThreshold: 260", "failureThreshold: 3", "it has 9 s to start." },
        { "GraceIsLongEnough", Overlay.Trial, "DEEPTRAIN_GRACE_SECONDS: \"25\"", "DEEPTRAIN_GRACE_SECONDS: \"60\"", "it is killed after 40 s, and needs 65 s to end." },
        { "GraceIsLongEnough", Overlay.Trial, "terminationGracePeriodSeconds: 40", "terminationGracePeriodSeconds: 20", "it is killed after 20 s" },
        { "SelectorsAreTheirPods", Overlay.Production, "      app.kubernetes.io/name: deeptrain\n      device: cpu\n  template", "      app.kubernetes.io/name: deeptrain\n  template", "Deployment worker selects the pods of Deployment worker-gpu too." },
        { "SelectorsAreTheirPods", Overlay.Trial, "      app.kubernetes.io/name: deeptrain\n      device: cpu\n  template", "      app.kubernetes.io/name: deeptrain\n      device: tpu\n  template", "Deployment worker does not select its own pods." },
        { "EverySelectorSelects", Overlay.Trial, "  selector:\n    app.kubernetes.io/name: redis", "  selector:\n    app.kubernetes.io/name: valkey", "Service redis selects no pod." },
        { "EverySelectorSelects", Overlay.Trial, "    app.kubernetes.io/name: deeptrain\n    deeptrain/silo: \"true\"\n", "    app.kubernetes.io/name: deeptrain\n", "Service silos selects pods that serve nothing beside silos." },
        { "EverySelectorSelects", Overlay.Trial, "targetPort: metrics", "targetPort: metric", "Service silos: no pod of it has the port 'metric' at 9464." },
        { "EverySelectorSelects", Overlay.Trial, "  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/component: worker", "  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/component: trainer", "PodDisruptionBudget worker selects no pod." },
        { "EverySelectorSelects", Overlay.Production, "  podMetricsEndpoints:\n  - interval: 15s\n    path: /metrics\n    port: metrics", "  podMetricsEndpoints:\n  - interval: 15s\n    path: /metrics\n    port: http", "PodMonitor deeptrain: not all of its pods have /metrics at a port 'http'." },
        { "NetworkLetsThroughWhatIsNeeded", Overlay.Trial, "port: 11111", "port: 11112", "Deployment worker does not reach Deployment coordinator at 11111." },
        { "NetworkLetsThroughWhatIsNeeded", Overlay.Trial, "port: 5432\n      protocol: TCP\n    to:", "port: 5433\n      protocol: TCP\n    to:", "Job migrate does not reach postgres at 5432." },
        { "NetworkLetsThroughWhatIsNeeded", Overlay.Production, "port: 6379", "port: 6380", "Deployment worker-gpu does not reach redis at 6379." },
        { "NetworkLetsThroughWhatIsNeeded", Overlay.Trial, "kubernetes.io/metadata.name: monitoring", "kubernetes.io/metadata.name: observability", "Prometheus does not reach Deployment worker at 9464." },
        { "NetworkLetsThroughWhatIsNeeded", Overlay.Trial, "protocol: UDP", "protocol: TCP", "does not reach DNS." },
        { "NetworkKeepsOthersOut", Overlay.Trial, "name: default-deny\n  namespace: deeptrain\nspec:\n  podSelector: {}\n  policyTypes:\n  - Ingress\n  - Egress", "name: default-deny\n  namespace: deeptrain\nspec:\n  podSelector: {}\n  policyTypes:\n  - Egress\n  egress:\n  - {}", "reaches the world at 443." },
        { "NetworkKeepsOthersOut", Overlay.Trial, "        kubernetes.io/metadata.name: monitoring\n    ports:\n    - port: 9464\n      protocol: TCP", "        kubernetes.io/metadata.name: monitoring", "Pods of the namespace monitoring reach Deployment worker at 30000." },
        { "PodsAreRestricted", Overlay.Trial, "runAsNonRoot: true", "runAsNonRoot: false", "Deployment worker may run as root." },
        { "PodsAreRestricted", Overlay.Trial, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "StatefulSet redis may write to its root folder." },
        { "PodsAreRestricted", Overlay.Trial, "            drop:\n            - ALL", "            drop:\n            - NET_RAW", "Job migrate keeps capabilities." },
        { "PodsAreRestricted", Overlay.Trial, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "may gain privileges." },
        { "PodsAreRestricted", Overlay.Trial, "type: RuntimeDefault", "type: Unconfined", "has no seccomp profile." },
        { "PodsAreRestricted", Overlay.Trial, "automountServiceAccountToken: false", "automountServiceAccountToken: true", "is given a token" },
        { "PodsAreRestricted", Overlay.Trial, "enableServiceLinks: false", "enableServiceLinks: true", "is given variables of services" },
        { "PodsAreRestricted", Overlay.Trial, "mountPath: /tmp", "mountPath: /temp", "has no writable /tmp." },
        { "UsersAreThoseOfTheImages", Overlay.Trial, "runAsUser: 1654", "runAsUser: 1000", "Deployment worker runs as 1000, its image as 1654." },
        { "ImagesHaveATag", Overlay.Trial, "image: redis:7.2", "image: redis:latest", "StatefulSet redis: its image redis:latest may be another one tomorrow." },
        { "ImagesHaveATag", Overlay.Trial, "image: deeptrain-worker:0.1.0", "image: deeptrain-worker:0.0.9", "Silos are of several releases" },
        { "ImagesHaveATag", Overlay.Production, ":0.1.0", ":9.9.9", "The images are of release 9.9.9" },
        { "CoordinatorsOutliveOneAnother", Overlay.Trial, "replicas: 2", "replicas: 1", "There is one coordinator only." },
        { "CoordinatorsOutliveOneAnother", Overlay.Trial, "maxUnavailable: 0", "maxUnavailable: 1", "A coordinator may be taken before its successor is ready." },
        { "CoordinatorsOutliveOneAnother", Overlay.Trial, "  maxUnavailable: 1\n  selector", "  maxUnavailable: 0\n  selector", "Deployment worker: there is no disruption budget" },
        { "WorkersKnowTheirCores", Overlay.Trial, "            cpu: \"2\"\n", "", "Deployment worker takes all cores of its node for its own" },
        { "GpusAreAskedFor", Overlay.Production, "            nvidia.com/gpu: \"1\"\n", "", "Deployment worker-gpu, labelled cuda, trains on cuda and asks for no GPU." },
        { "GpusAreAskedFor", Overlay.Production, "          value: cpu", "          value: cuda", "Deployment worker, labelled cpu, trains on cuda and asks for no GPU." },
        { "GpusAreAskedFor", Overlay.Production, "maxSurge: 0", "maxSurge: 1", "Deployment worker-gpu: where all GPUs are taken, a new pod waits for ever" },
        { "GpusAreAskedFor", Overlay.Production, "key: nvidia.com/gpu\n", "key: nvidia.com/cpu\n", "Deployment worker-gpu does not find the nodes" },
        { "MigrationCanBeAppliedAgain", Overlay.Trial, "  ttlSecondsAfterFinished: 120", "", "Job migrate stays when it has ended" },
        { "MigrationCanBeAppliedAgain", Overlay.Trial, "        - migrate\n", "        - settings\n", "Job migrate does not migrate." },
        { "ObjectsAreSmallEnough", Overlay.Trial, "DEEPTRAIN_DATA: /data", $"DEEPTRAIN_DATA: {new string('x', 300_000)}", "'kubectl apply' does not take an object" },
    };

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Overlay_AsRendered_HasNoProblem(string overlay)
    {
        var manifests = Manifests.Parse(Overlay.Text(overlay));

        Assert.Equal([], Invariants.All.SelectMany(invariant => invariant.Value(manifests)));
    }

    [Theory]
    [MemberData(nameof(Breaks))]
    public void Invariant_BrokenManifests_SaysWhat(string invariant, string overlay, string whole, string broken, string problem)
    {
        var text = Overlay.Text(overlay);
        Assert.Contains(whole, text, StringComparison.Ordinal);

        var problems = Invariants.All[invariant](Manifests.Parse(text.Replace(whole, broken, StringComparison.Ordinal)));

        Assert.Contains(problems, each => each.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void Invariants_All_AreBrokenByATest() =>
        Assert.Equal([], Invariants.All.Keys.Except(Breaks.Select(row => row.Data.Item1)));

    [Theory]
    [InlineData("containerPort: 9464", "containerPorts: 9464")]
    [InlineData("  podMetricsEndpoints:", "  podMetricEndpoints:")]
    [InlineData("replicas: 2", "replicas: 2\n  replicas: 2")]
    public void Parse_FieldThatIsNone_Throws(string whole, string broken)
    {
        var text = Overlay.Text(Overlay.Production);
        Assert.Contains(whole, text, StringComparison.Ordinal);

        Assert.ThrowsAny<Exception>(() => Manifests.Parse(text.Replace(whole, broken, StringComparison.Ordinal)));
    }
}

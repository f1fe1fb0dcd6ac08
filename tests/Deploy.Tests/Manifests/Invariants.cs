using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using DeepTrain.Cluster.Sweeps.Tests;
using k8s.Models;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>Says what is wrong with an overlay's manifests, each problem a line that names what it is about.</summary>
internal delegate IEnumerable<string> Invariant(Manifests manifests);

/// <summary>What kubectl does not check, and what would show in a cluster only, or in an emergency only.</summary>
internal static partial class Invariants
{
    /// <summary>What 'apply' remembers of an object is an annotation, and these are limited to 256 KiB.</summary>
    private const int LargestObject = 200 * 1024;

    /// <summary>What a silo's process needs to end besides the grace.</summary>
    private static readonly TimeSpan Ending = TimeSpan.FromSeconds(5);

    public static IReadOnlyDictionary<string, Invariant> All { get; } = new Dictionary<string, Invariant>
    {
        [nameof(EverythingIsInItsNamespace)] = EverythingIsInItsNamespace,
        [nameof(SettingsExist)] = SettingsExist,
        [nameof(NoSecretIsAVariable)] = NoSecretIsAVariable,
        [nameof(FilesOfSettingsAreMounted)] = FilesOfSettingsAreMounted,
        [nameof(SilosAreNamedAndReached)] = SilosAreNamedAndReached,
        [nameof(ReferencesExist)] = ReferencesExist,
        [nameof(PortsAreTheSilos)] = PortsAreTheSilos,
        [nameof(ProbesFit)] = ProbesFit,
        [nameof(GraceIsLongEnough)] = GraceIsLongEnough,
        [nameof(SelectorsAreTheirPods)] = SelectorsAreTheirPods,
        [nameof(EverySelectorSelects)] = EverySelectorSelects,
        [nameof(NetworkLetsThroughWhatIsNeeded)] = NetworkLetsThroughWhatIsNeeded,
        [nameof(NetworkKeepsOthersOut)] = NetworkKeepsOthersOut,
        [nameof(PodsAreRestricted)] = PodsAreRestricted,
        [nameof(UsersAreThoseOfTheImages)] = UsersAreThoseOfTheImages,
        [nameof(ImagesHaveATag)] = ImagesHaveATag,
        [nameof(CoordinatorsOutliveOneAnother)] = CoordinatorsOutliveOneAnother,
        [nameof(WorkersKnowTheirCores)] = WorkersKnowTheirCores,
        [nameof(GpusAreAskedFor)] = GpusAreAskedFor,
        [nameof(MigrationCanBeAppliedAgain)] = MigrationCanBeAppliedAgain,
        [nameof(ObjectsAreSmallEnough)] = ObjectsAreSmallEnough,
    };

    private static IEnumerable<string> EverythingIsInItsNamespace(Manifests manifests)
    {
        if (manifests.Of<V1Namespace>().SingleOrDefault() is not { } own)
            return ["There is not one namespace."];
        return manifests.All.Where(each => each is not V1Namespace && each.Metadata.NamespaceProperty != own.Metadata.Name)
            .Select(each => $"{Manifests.Name(each)} is in namespace '{each.Metadata.NamespaceProperty}'.")
            .Concat(own.Metadata.Labels?.Contains(new("pod-security.kubernetes.io/enforce", "restricted")) == true
                ? []
                : [$"Namespace {own.Metadata.Name} does not enforce the restricted pod security."]);
    }

    private static IEnumerable<string> SettingsExist(Manifests manifests) =>
        from pod in manifests.Pods
        where pod.IsOurs
        from variable in manifests.Environment(pod).Keys
        where !SettingsPage.Has(variable)
        select $"{pod}: there is no setting {variable}.";

    private static IEnumerable<string> NoSecretIsAVariable(Manifests manifests) =>
        from pod in manifests.Pods
        from variable in manifests.Environment(pod).Keys
        where variable.EndsWith("PASSWORD", StringComparison.Ordinal)
        select $"{pod}: {variable} shows a secret to whoever may see the pod.";

    private static IEnumerable<string> FilesOfSettingsAreMounted(Manifests manifests) =>
        from pod in manifests.Pods
        where pod.IsOurs
        from variable in manifests.Environment(pod)
        where variable.Value.StartsWith('/') && (variable.Key != "DEEPTRAIN_DATA" || pod.IsSilo)
        let mount = pod.Container.VolumeMounts.FirstOrDefault(mount => $"{variable.Value}/".StartsWith($"{mount.MountPath}/", StringComparison.Ordinal))
        let problem = mount is null
            ? "nothing is mounted there"
            : variable.Key == "DEEPTRAIN_DATA" && pod.Spec.Volumes.Single(volume => volume.Name == mount.Name).PersistentVolumeClaim is null
                ? "what is there is not kept"
                : null
        where problem is not null
        select $"{pod}: {variable.Key} is {variable.Value}, but {problem}.";

    private static IEnumerable<string> SilosAreNamedAndReached(Manifests manifests) =>
        from pod in manifests.Pods
        where pod.IsSilo
        from expected in new Dictionary<string, string?>
        {
            ["DEEPTRAIN_ROLE"] = pod.Component,
            ["DEEPTRAIN_ADDRESS"] = "status.podIP",
            ["DEEPTRAIN_SILO_NAME"] = "metadata.name",
        }
        let found = manifests.Environment(pod).GetValueOrDefault(expected.Key)
        where found != expected.Value
        select $"{pod}: {expected.Key} is '{found}', not '{expected.Value}'.";

    private static IEnumerable<string> ReferencesExist(Manifests manifests)
    {
        // What people are told to make themselves.
        var documented = File.ReadAllText(Repository.PathOf("docs/kubernetes.md"));
        foreach (var pod in manifests.Pods)
        {
            foreach (var source in pod.Container.EnvFrom ?? [])
                if (source.ConfigMapRef is { } map && manifests.Find<V1ConfigMap>(map.Name) is null)
                    yield return $"{pod}: there is no ConfigMap {map.Name}.";
            foreach (var volume in pod.Spec.Volumes ?? [])
            {
                if (volume.Secret is { } secret && manifests.Find<V1Secret>(secret.SecretName) is null
                    && !documented.Contains($"create secret generic {secret.SecretName} ", StringComparison.Ordinal))
                    yield return $"{pod}: there is no Secret {secret.SecretName}, and docs/kubernetes.md does not say how to make it.";
                if (volume.ConfigMap is { } files && manifests.Find<V1ConfigMap>(files.Name) is null)
                    yield return $"{pod}: there is no ConfigMap {files.Name}.";
                if (volume.PersistentVolumeClaim is { } claim && manifests.Find<V1PersistentVolumeClaim>(claim.ClaimName) is null)
                    yield return $"{pod}: there is no PersistentVolumeClaim {claim.ClaimName}.";
            }
            foreach (var mount in pod.Container.VolumeMounts ?? [])
                if (pod.Spec.Volumes?.Any(volume => volume.Name == mount.Name) != true
                    && manifests.Of<V1StatefulSet>().All(set => set.Spec.VolumeClaimTemplates?.Any(claim => claim.Metadata.Name == mount.Name) != true))
                    yield return $"{pod}: there is no volume {mount.Name}.";
            foreach (var (variable, host) in manifests.Environment(pod).Where(variable => pod.IsOurs && variable.Key.EndsWith("_HOST", StringComparison.Ordinal)))
                if (!host.Contains('.') && manifests.Find<V1Service>(host) is null)
                    yield return $"{pod}: {variable} is {host}, and there is no such Service.";
        }
        foreach (var set in manifests.Of<V1StatefulSet>().Where(set => manifests.Find<V1Service>(set.Spec.ServiceName) is null))
            yield return $"{Manifests.Name(set)}: there is no Service {set.Spec.ServiceName}.";
    }

    private static IEnumerable<string> PortsAreTheSilos(Manifests manifests) =>
        from pod in manifests.Pods
        where pod.IsSilo
        from port in new Dictionary<string, string>
        {
            ["silo"] = "DEEPTRAIN_SILO_PORT", ["gateway"] = "DEEPTRAIN_GATEWAY_PORT", ["metrics"] = "DEEPTRAIN_METRICS_PORT",
        }
        let listened = manifests.Setting(pod, port.Value)
        where $"{pod.PortNamed(port.Key)}" != listened
        select $"{pod}: its port '{port.Key}' is {pod.PortNamed(port.Key)}, but {port.Value} is {listened}.";

    private static IEnumerable<string> ProbesFit(Manifests manifests)
    {
        foreach (var pod in manifests.Pods.Where(pod => pod.IsSilo))
        {
            var (startup, ready, live) = (pod.Container.StartupProbe, pod.Container.ReadinessProbe, pod.Container.LivenessProbe);
            foreach (var (name, probe) in new Dictionary<string, V1Probe?> { ["startup"] = startup, ["ready"] = ready, ["live"] = live })
                if (probe?.HttpGet is not { } get || get.Path != $"/health/{name}" || get.Port.ToString() != "metrics")
                    yield return $"{pod}: there is no probe of /health/{name} at the port 'metrics'.";
            if (startup is null || ready is null || live is null)
                continue;
            if (Patience(live) < 2 * Patience(ready))
                yield return $"{pod}: it is restarted almost as soon as it is not ready.";
            // As long as a silo tries to join (Membership).
            if (Patience(startup) < TimeSpan.FromMinutes(12))
                yield return $"{pod}: it has {Patience(startup).TotalSeconds} s to start.";
        }

        static TimeSpan Patience(V1Probe probe) => TimeSpan.FromSeconds((probe.PeriodSeconds ?? 10) * (probe.FailureThreshold ?? 3));
    }

    private static IEnumerable<string> GraceIsLongEnough(Manifests manifests) =>
        from pod in manifests.Pods
        where pod.IsSilo
        let needed = TimeSpan.FromSeconds(double.Parse(manifests.Setting(pod, "DEEPTRAIN_GRACE_SECONDS")!, CultureInfo.InvariantCulture)) + Ending
        let given = TimeSpan.FromSeconds(pod.Spec.TerminationGracePeriodSeconds ?? 30)
        where given < needed
        select $"{pod}: it is killed after {given.TotalSeconds} s, and needs {needed.TotalSeconds} s to end.";

    private static IEnumerable<string> SelectorsAreTheirPods(Manifests manifests)
    {
        foreach (var owner in manifests.Pods)
            foreach (var pod in manifests.Pods)
                if (owner.Selector is { } selector && selector.Selects(pod) != (owner == pod))
                    yield return owner == pod ? $"{owner} does not select its own pods." : $"{owner} selects the pods of {pod} too.";
    }

    private static IEnumerable<string> EverySelectorSelects(Manifests manifests)
    {
        foreach (var service in manifests.Of<V1Service>())
        {
            var pods = manifests.Pods.Where(service.Spec.Selector.Selects).ToList();
            if (pods.Count == 0)
                yield return $"{Manifests.Name(service)} selects no pod.";
            if (pods.Any(pod => pod.IsSilo) && pods.Any(pod => !pod.IsSilo))
                yield return $"{Manifests.Name(service)} selects pods that serve nothing beside silos.";
            foreach (var port in service.Spec.Ports)
                if (!pods.Any(pod => pod.PortNamed(port.TargetPort.ToString()) is { } number && number == port.Port))
                    yield return $"{Manifests.Name(service)}: no pod of it has the port '{port.TargetPort}' at {port.Port}.";
        }
        foreach (var budget in manifests.Of<V1PodDisruptionBudget>().Where(budget => !manifests.Pods.Any(budget.Spec.Selector.Selects)))
            yield return $"{Manifests.Name(budget)} selects no pod.";
        foreach (var monitor in manifests.Of<PodMonitor>())
        {
            var pods = manifests.Pods.Where(monitor.Spec.Selector.Selects).ToList();
            foreach (var pod in manifests.Pods.Where(pod => pod.IsSilo).Except(pods))
                yield return $"{Manifests.Name(monitor)} does not select {pod}.";
            foreach (var endpoint in monitor.Spec.PodMetricsEndpoints)
                if (endpoint.Path != "/metrics" || pods.Any(pod => pod.PortNamed(endpoint.Port) is null))
                    yield return $"{Manifests.Name(monitor)}: not all of its pods have {endpoint.Path} at a port '{endpoint.Port}'.";
        }
        foreach (var policy in manifests.Of<V1NetworkPolicy>())
        {
            if (!manifests.Pods.Any((policy.Spec.PodSelector ?? new()).Selects))
                yield return $"{Manifests.Name(policy)} selects no pod.";
            foreach (var peer in (policy.Spec.Ingress ?? []).SelectMany(rule => rule.FromProperty ?? []).Concat((policy.Spec.Egress ?? []).SelectMany(rule => rule.To ?? [])))
                if (peer is { PodSelector: { } selector, NamespaceSelector: null } && !manifests.Pods.Any(selector.Selects))
                    yield return $"{Manifests.Name(policy)}: a peer of it selects no pod.";
        }
    }

    private static IEnumerable<string> NetworkLetsThroughWhatIsNeeded(Manifests manifests)
    {
        var traffic = new Traffic(manifests);
        foreach (var pod in manifests.Pods.Where(pod => pod.IsOurs))
        {
            foreach (var other in manifests.Pods.Where(other => pod.IsSilo && other.IsSilo))
            {
                if (!traffic.Allows(pod, other, 11111))
                    yield return $"{pod} does not reach {other} at 11111.";
                if (pod.Component == "coordinator" && !traffic.Allows(pod, other, 30000))
                    yield return $"{pod}, where people start the command line program, does not reach {other} at 30000.";
            }
            foreach (var (server, port) in new Dictionary<string, int> { ["postgres"] = 5432, ["redis"] = 6379 })
                if (manifests.Pods.FirstOrDefault(other => other.Label("app.kubernetes.io/name") == server) is { } here
                        ? !traffic.Allows(pod, here, port)
                        : !traffic.AllowsOutside(pod, port))
                    yield return $"{pod} does not reach {server} at {port}.";
            if (!traffic.AllowsOutside(pod, 53, "UDP") || !traffic.AllowsOutside(pod, 53))
                yield return $"{pod} does not reach DNS.";
            if (pod.IsSilo && !traffic.AllowsFrom("monitoring", pod, 9464))
                yield return $"Prometheus does not reach {pod} at 9464.";
        }
    }

    private static IEnumerable<string> NetworkKeepsOthersOut(Manifests manifests)
    {
        var traffic = new Traffic(manifests);
        var stranger = new Pod("A stranger", null, new() { Metadata = new() { Labels = new Dictionary<string, string>() }, Spec = new() });
        foreach (var pod in manifests.Pods)
        {
            foreach (var port in (pod.Container.Ports ?? []).Select(port => port.ContainerPort))
            {
                foreach (var other in manifests.Pods.Where(other => !other.IsOurs).Append(stranger))
                    if (traffic.Allows(other, pod, port))
                        yield return $"{other} reaches {pod} at {port}.";
                foreach (var (nameSpace, open) in new Dictionary<string, int> { ["default"] = 0, ["monitoring"] = 9464 })
                    if (port != open && traffic.AllowsFrom(nameSpace, pod, port))
                        yield return $"Pods of the namespace {nameSpace} reach {pod} at {port}.";
            }
            if (traffic.AllowsOutside(pod, 443))
                yield return $"{pod} reaches the world at 443.";
        }
    }

    // Kubernetes' Pod Security Standards, 'Restricted', and a root folder that nobody writes to.
    private static IEnumerable<string> PodsAreRestricted(Manifests manifests) =>
        from pod in manifests.Pods
        let security = pod.Spec.SecurityContext
        let container = pod.Container.SecurityContext
        from rule in new Dictionary<string, bool>
        {
            ["may run as root"] = security?.RunAsNonRoot is true && security.RunAsUser > 0 && security.RunAsGroup > 0,
            ["has no group for its volumes"] = security?.FsGroup == security?.RunAsGroup,
            ["has no seccomp profile"] = security?.SeccompProfile?.Type == "RuntimeDefault",
            ["may gain privileges"] = container?.AllowPrivilegeEscalation is false && container.Privileged is not true,
            ["may write to its root folder"] = container?.ReadOnlyRootFilesystem is true,
            ["keeps capabilities"] = container?.Capabilities?.Drop is ["ALL"] && container.Capabilities.Add is null or [],
            ["is given a token for Kubernetes"] = pod.Spec.AutomountServiceAccountToken is false,
            ["is given variables of services, which may look like settings"] = pod.Spec.EnableServiceLinks is false,
            ["is on its node's own network, processes or memory"] = pod.Spec is { HostNetwork: not true, HostPID: not true, HostIPC: not true },
            ["mounts a folder of its node"] = pod.Spec.Volumes?.All(volume => volume.HostPath is null) is true,
            ["has no writable /tmp"] = pod.Container.VolumeMounts?.Any(mount => mount.MountPath == "/tmp" && mount.ReadOnlyProperty is not true) is true,
            ["may take all memory"] = pod.Container.Resources?.Limits?.ContainsKey("memory") is true,
        }
        where !rule.Value
        select $"{pod} {rule.Key}.";

    private static IEnumerable<string> UsersAreThoseOfTheImages(Manifests manifests)
    {
        var user = long.Parse(UserLine().Match(File.ReadAllText(Repository.PathOf("deploy/docker/Dockerfile"))).Groups["user"].Value, CultureInfo.InvariantCulture);
        return from pod in manifests.Pods
            where pod.IsOurs
            from id in new[] { pod.Spec.SecurityContext?.RunAsUser, pod.Spec.SecurityContext?.RunAsGroup, pod.Spec.SecurityContext?.FsGroup }.Distinct()
            where id != user
            select $"{pod} runs as {id}, its image as {user}.";
    }

    private static IEnumerable<string> ImagesHaveATag(Manifests manifests)
    {
        foreach (var pod in manifests.Pods.Where(pod => !TaggedImage().IsMatch(pod.Container.Image)))
            yield return $"{pod}: its image {pod.Container.Image} may be another one tomorrow.";
        var tags = manifests.Pods.Where(pod => pod.IsOurs).Select(pod => pod.Container.Image.Split(':')[^1]).Distinct().ToList();
        if (tags.Count != 1)
            yield return $"Silos are of several releases: {string.Join(", ", tags)}.";
        else if (ThisVersion() is var version && tags[0] != version)
            yield return $"The images are of release {tags[0]}, the sources of {version}.";
    }

    private static IEnumerable<string> CoordinatorsOutliveOneAnother(Manifests manifests)
    {
        foreach (var coordinator in manifests.Of<V1Deployment>().Where(each => each.Metadata.Name == "coordinator"))
        {
            if (coordinator.Spec.Replicas is null or < 2)
                yield return "There is one coordinator only.";
            if (coordinator.Spec.Strategy?.RollingUpdate?.MaxUnavailable?.ToString() != "0")
                yield return "A coordinator may be taken before its successor is ready.";
        }
        foreach (var pod in manifests.Pods.Where(pod => pod.IsSilo))
            if (manifests.Of<V1PodDisruptionBudget>().Count(budget => budget.Spec.Selector.Selects(pod) && budget.Spec.MaxUnavailable?.ToString() == "1") != 1)
                yield return $"{pod}: there is no disruption budget that lets one of its pods be taken at a time.";
    }

    private static IEnumerable<string> WorkersKnowTheirCores(Manifests manifests) =>
        from pod in manifests.Pods
        where pod is { IsSilo: true, Component: "worker" } && manifests.Setting(pod, "DEEPTRAIN_SLOTS") == "0"
            && pod.Container.Resources?.Limits?.ContainsKey("cpu") != true
        select $"{pod} takes all cores of its node for its own: it has no limit of them.";

    private static IEnumerable<string> GpusAreAskedFor(Manifests manifests)
    {
        foreach (var pod in manifests.Pods.Where(pod => pod is { IsSilo: true, Component: "worker" }))
        {
            var device = manifests.Setting(pod, "DEEPTRAIN_DEVICE");
            var asks = pod.Container.Resources.Limits.Keys.Any(resource => resource.StartsWith("nvidia.com/", StringComparison.Ordinal));
            if (pod.Label("device") != device || asks != (device == "cuda"))
                yield return $"{pod}, labelled {pod.Label("device")}, trains on {device} and asks for {(asks ? "a GPU" : "no GPU")}.";
            if (!asks)
                continue;
            if (pod.Spec.NodeSelector is null or { Count: 0 } || pod.Spec.Tolerations?.Any(each => each.Key == "nvidia.com/gpu") != true)
                yield return $"{pod} does not find the nodes that have GPUs, or is not let on them.";
            if (manifests.Of<V1Deployment>().Single(each => Manifests.Name(each) == pod.Workload).Spec.Strategy?.RollingUpdate?.MaxSurge?.ToString() != "0")
                yield return $"{pod}: where all GPUs are taken, a new pod waits for ever for the old one.";
        }
    }

    private static IEnumerable<string> MigrationCanBeAppliedAgain(Manifests manifests)
    {
        if (manifests.Find<V1Job>("migrate") is not { } job)
            return ["There is no job that migrates."];
        var image = manifests.Pods.Single(pod => pod.Workload == "Deployment coordinator").Container.Image;
        var container = job.Spec.Template.Spec.Containers.Single();
        return new Dictionary<string, bool>
        {
            ["stays when it has ended, and cannot be changed then"] = job.Spec.TtlSecondsAfterFinished is not null,
            ["does not migrate"] = container is { Args: ["migrate"], Command: null },
            [$"is of another release than {image}"] = container.Image == image,
        }.Where(rule => !rule.Value).Select(rule => $"Job migrate {rule.Key}.");
    }

    private static IEnumerable<string> ObjectsAreSmallEnough(Manifests manifests) =>
        from text in manifests.Text.Split("\n---\n")
        let size = Encoding.UTF8.GetByteCount(text)
        where size > LargestObject
        select $"'kubectl apply' does not take an object of {size} bytes: {text[^Math.Min(text.Length, 120)..]}";

    private static string ThisVersion() => VersionLine().Match(File.ReadAllText(Repository.PathOf("Directory.Build.props"))).Groups["version"].Value;

    [GeneratedRegex(@"^USER (?<user>\d+)$", RegexOptions.Multiline)]
    private static partial Regex UserLine();

    [GeneratedRegex("<Version>(?<version>.*)</Version>")]
    private static partial Regex VersionLine();

    [GeneratedRegex(@"^[^:@]+(:\d+/[^:@]+)?(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})$")]
    private static partial Regex TaggedImage();
}

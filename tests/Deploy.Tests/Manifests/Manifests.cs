using System.Collections.Immutable;
using k8s;
using k8s.Models;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>What a workload makes pods of.</summary>
/// <param name="Workload">Its kind and name: <c>Deployment worker</c>.</param>
/// <param name="Selector">Null: it finds its pods by itself.</param>
internal sealed record Pod(string Workload, V1LabelSelector? Selector, V1PodTemplateSpec Template)
{
    public IDictionary<string, string> Labels => Template.Metadata.Labels;

    public V1PodSpec Spec => Template.Spec;

    /// <summary>Its one container.</summary>
    public V1Container Container => Spec.Containers.Single();

    public string? Label(string name) => Labels.TryGetValue(name, out var value) ? value : null;

    public string? Component => Label("app.kubernetes.io/component");

    /// <summary>Whether it runs a program of this repository.</summary>
    public bool IsOurs => Label("app.kubernetes.io/name") == "deeptrain";

    public bool IsSilo => IsOurs && Component is "coordinator" or "worker";

    public int? PortNamed(string name) => Container.Ports?.FirstOrDefault(port => port.Name == name)?.ContainerPort;

    public override string ToString() => Workload;
}

/// <summary>All objects of an overlay.</summary>
internal sealed class Manifests
{
    private static readonly Dictionary<string, Type> OperatorTypes = new()
    {
        ["monitoring.coreos.com/v1/PodMonitor"] = typeof(PodMonitor),
        ["monitoring.coreos.com/v1/PrometheusRule"] = typeof(PrometheusRule),
    };

    private Manifests(string text, ImmutableArray<IKubernetesObject<V1ObjectMeta>> all)
    {
        Text = text;
        All = all;
        Pods =
        [
            .. Of<V1Deployment>().Select(each => new Pod(Name(each), each.Spec.Selector, each.Spec.Template)),
            .. Of<V1StatefulSet>().Select(each => new Pod(Name(each), each.Spec.Selector, each.Spec.Template)),
            .. Of<V1Job>().Select(each => new Pod(Name(each), null, each.Spec.Template)),
        ];
    }

    public string Text { get; }

    public ImmutableArray<IKubernetesObject<V1ObjectMeta>> All { get; }

    public ImmutableArray<Pod> Pods { get; }

    /// <exception cref="Exception">A field is unknown, or stands twice.</exception>
    public static Manifests Parse(string text) =>
        new(text, [.. KubernetesYaml.LoadAllFromString(text, OperatorTypes, strict: true).Cast<IKubernetesObject<V1ObjectMeta>>()]);

    public IEnumerable<T> Of<T>() where T : IKubernetesObject<V1ObjectMeta> => All.OfType<T>();

    public T? Find<T>(string name) where T : IKubernetesObject<V1ObjectMeta> => Of<T>().FirstOrDefault(each => each.Metadata.Name == name);

    /// <summary>The variables of a pod's container: those it is given by name, over those of its ConfigMaps. A field's is its path.</summary>
    public ImmutableSortedDictionary<string, string> Environment(Pod pod)
    {
        var variables = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var source in pod.Container.EnvFrom ?? [])
            foreach (var (name, value) in Find<V1ConfigMap>(source.ConfigMapRef?.Name ?? "")?.Data ?? new Dictionary<string, string>())
                variables[name] = value;
        foreach (var variable in pod.Container.Env ?? [])
            variables[variable.Name] = variable.Value ?? variable.ValueFrom.FieldRef?.FieldPath ?? "";
        return variables.ToImmutable();
    }

    /// <summary>What a setting says to a pod, or else by default.</summary>
    public string? Setting(Pod pod, string variable) => Environment(pod).TryGetValue(variable, out var value) ? value : SettingsPage.Default(variable);

    public static string Name(IKubernetesObject<V1ObjectMeta> each) => $"{each.Kind} {each.Metadata.Name}";
}

using System.Reflection;
using System.Text.RegularExpressions;
using NetArchTest.Rules;

namespace DeepTrain.Cluster.Architecture.Tests;

/// <summary>One project of src, with the folders that it consists of: a folder is a namespace.</summary>
internal sealed class Room
{
    private readonly Types _types;

    public Room(string name, string assembly)
    {
        Name = name;
        Assembly = Assembly.Load(assembly);
        _types = Types.InAssembly(Assembly);
        // Code that is generated at build time resides elsewhere. A migration describes the schema as it once was.
        Folders = Assembly.GetTypes().Where(type => type.Namespace is { } space && Inside(space) && !space.Contains(".Migrations", StringComparison.Ordinal))
            .ToLookup(type => type.Namespace!, type => type.FullName!);
    }

    public static IReadOnlyList<Room> All { get; } =
    [
        new("Sweeps", "DeepTrain.Cluster.Sweeps"), new("Training", "DeepTrain.Cluster.Training"), new("Grains", "DeepTrain.Cluster.Grains"),
        new("Silo", "silo"), new("Client", "deeptrain"),
    ];

    public string Name { get; }

    public Assembly Assembly { get; }

    public string Namespace => $"DeepTrain.Cluster.{Name}";

    /// <summary>The full names of the types in each namespace.</summary>
    public ILookup<string, string> Folders { get; }

    public static Room Of(string name) => All.Single(room => room.Name == name);

    /// <summary>The types here that name something in one of these namespaces, which include those below them.</summary>
    public IEnumerable<string> ThatName(params string[] namespaces) =>
        Names(_types.That().ResideInNamespace(Namespace).And().HaveDependencyOnAny(namespaces));

    /// <summary>The types of one folder that name a type of another.</summary>
    public IReadOnlyList<string> ThatName(string folder, string other) =>
        [.. Names(_types.That().ResideInNamespaceMatching($"^{Regex.Escape(folder)}$").And().HaveDependencyOnAny([.. Folders[other]]))];

    /// <summary>A folder's name as people say it: <c>Storage/Sqlite</c>.</summary>
    public string Short(string folder) => folder == Namespace ? "" : folder[(Namespace.Length + 1)..].Replace('.', '/');

    private static IEnumerable<string> Names(PredicateList found) => found.GetTypes().Select(type => type.FullName);

    private bool Inside(string space) => space == Namespace || space.StartsWith(Namespace + ".", StringComparison.Ordinal);
}

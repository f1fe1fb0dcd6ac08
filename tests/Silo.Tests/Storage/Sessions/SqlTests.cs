using System.Reflection;
using System.Text;
using DeepTrain.Cluster.Silo.Storage.Postgres;
using DeepTrain.Cluster.Silo.Storage.Sessions;
using DeepTrain.Cluster.Silo.Storage.Sqlite;
using DeepTrain.Cluster.Sweeps.Tests;

namespace DeepTrain.Cluster.Silo.Tests;

/// <summary>All that a store says to its database stands in a file for each, where a change of it is seen.</summary>
public sealed class SqlTests
{
    private const string Renewing = "DEEPTRAIN_RENEW_STATEMENTS";

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public void Statements_OfADatabase_AreThoseOfItsFile(StoreKind kind)
    {
        Dialect dialect = kind is StoreKind.Sqlite ? SqliteDialect.Instance : PostgresDialect.Instance;
        var path = Repository.PathOf($"tests/Silo.Tests/Storage/Statements.{kind}.sql");
        var text = new StringBuilder();
        foreach (var (name, sql) in Statements())
            text.Append($"-- {name}\n{(sql.For(dialect) is { Length: > 0 } said ? said : "-- nothing")}\n\n");

        if (Environment.GetEnvironmentVariable(Renewing) is not null)
            File.WriteAllText(path, text.ToString());

        Assert.True(File.Exists(path) && File.ReadAllText(path) == text.ToString(),
            $"{path} does not have the statements as they are now. Run this test with {Renewing}=1, and look at what has changed.");
    }

    /// <summary>Every one that is declared, be it a part of what others are declared by.</summary>
    private static SortedDictionary<string, Sql> Statements()
    {
        var statements = new SortedDictionary<string, Sql>(StringComparer.Ordinal);
        foreach (var type in typeof(Sql).Assembly.GetTypes().Where(type => !type.ContainsGenericParameters))
            foreach (var field in type.GetFields(Declared).Where(field => field.IsStatic))
            {
                var name = $"{type.Name}.{field.Name}";
                if (field.FieldType == typeof(Sql))
                    statements.Add(name, (Sql)field.GetValue(null)!);
                else if (field.FieldType.Assembly == type.Assembly)
                    foreach (var part in field.FieldType.GetFields(Declared).Where(part => !part.IsStatic && part.FieldType == typeof(Sql)))
                        statements.Add($"{name}{part.Name}", (Sql)part.GetValue(field.GetValue(null))!);
            }
        return statements;
    }
}

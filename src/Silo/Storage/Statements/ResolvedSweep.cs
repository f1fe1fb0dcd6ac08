using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Silo.Storage.Statements;

/// <summary>The content of a sweep file with defaults filled in, and its SHA-256 in hexadecimal digits.</summary>
internal sealed record ResolvedSweep(string Json, string Hash)
{
    public static ResolvedSweep Of(Sweep sweep)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("fixed");
            foreach (var (name, value) in sweep.Fixed)
                Write(json, name, value);
            json.WriteEndObject();
            json.WriteStartObject("factors");
            foreach (var factor in sweep.Factors)
                Write(json, factor);
            json.WriteEndObject();
            json.WritePropertyName("search");
            Write(json, sweep.Search);
            json.WriteStartObject("objective");
            json.WriteString("metric", $"{sweep.Objective.Metric}");
            json.WriteString("goal", $"{sweep.Objective.Goal}");
            json.WriteEndObject();
            json.WriteNumber("replicates", sweep.Replicates);
            json.WriteEndObject();
        }
        var bytes = buffer.ToArray();
        return new(Encoding.UTF8.GetString(bytes), Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    private static void Write(Utf8JsonWriter json, Factor factor)
    {
        json.WriteStartObject(factor.Name);
        switch (factor.Domain)
        {
            case Domain.Levels levels:
                Write(json, "levels", levels.Values);
                break;
            case Domain.Uniform uniform:
                WriteInterval(json, "uniform", uniform.Low, uniform.High);
                break;
            case Domain.LogUniform uniform:
                WriteInterval(json, "logUniform", uniform.Low, uniform.High);
                break;
            case Domain.Integers integers:
                WriteInterval(json, "integers", integers.Low, integers.High);
                break;
            default:
                throw new InvalidOperationException($"{factor.Domain} is no domain.");
        }
        if (factor.When is { } when)
        {
            json.WriteStartObject("when");
            foreach (var (name, values) in when.Values)
                Write(json, name, values);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, SearchMethod search)
    {
        json.WriteStartObject();
        switch (search)
        {
            case SearchMethod.Grid:
                json.WriteString("method", "grid");
                break;
            case SearchMethod.List:
                json.WriteString("method", "list");
                break;
            case SearchMethod.Random random:
                json.WriteString("method", "random");
                json.WriteNumber("trials", random.Trials);
                json.WriteNumber("seed", random.Seed);
                break;
            default:
                throw new InvalidOperationException($"{search} is no search.");
        }
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, IEnumerable<ParameterValue> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteRawValue(value.Json);
        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, string name, ParameterValue value)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(value.Json);
    }

    private static void WriteInterval(Utf8JsonWriter json, string name, double low, double high)
    {
        json.WriteStartArray(name);
        json.WriteNumberValue(low);
        json.WriteNumberValue(high);
        json.WriteEndArray();
    }
}

using System.Collections.Immutable;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Files.Yaml;
using DeepTrain.Cluster.Sweeps.Search;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Files;

/// <summary>Checks that each <c>when</c> names parameters that it can depend on and values that occur, without a cycle.</summary>
internal sealed class WhenChecker(KnownParameters known, Problems problems)
{
    public void Check(ImmutableArray<GivenValue> given, ImmutableArray<FactorField> factors)
    {
        foreach (var factor in factors)
        {
            CheckCycle(factor, factors);
            if (factor.WhenFields is null)
                continue;
            if (factor.Parameter.Default is null)
                problems.Error(factor.WhenFields.Place, factor.WhenFields.Path, $"{factor.Parameter.Name} has no default for the other cells; remove when");
            foreach (var field in factor.WhenFields.All.Where(field => factor.When!.Values.ContainsKey(field.Name)))
                CheckValues(field, factor.When!.Values[field.Name], given, factors);
        }
    }

    private void CheckCycle(FactorField factor, ImmutableArray<FactorField> factors)
    {
        var reached = new HashSet<string>();
        var next = new Queue<FactorField>([factor]);
        while (next.TryDequeue(out var current))
        {
            foreach (var decider in factors.Where(other => Space.Deciders(current.Parameter, current.When).Contains(other.Parameter.Name)))
            {
                if (reached.Add(decider.Parameter.Name))
                    next.Enqueue(decider);
            }
        }

        if (reached.Contains(factor.Parameter.Name))
            problems.Error(factor.Field.Place, factor.Field.Path, $"whether it applies depends on itself, by way of {string.Join(", ", reached)}; remove one when");
    }

    private void CheckValues(
        Field field, ImmutableArray<ParameterValue> required, ImmutableArray<GivenValue> given, ImmutableArray<FactorField> factors)
    {
        var parameter = known[field.Name];
        ImmutableArray<ParameterValue?> possible;
        if (factors.FirstOrDefault(factor => factor.Parameter == parameter) is { } decider)
        {
            if (decider.Domain is not null and not Domain.Levels)
            {
                problems.Error(field.Place, field.Path, $"{field.Name} is drawn from a range; expected a parameter with listed levels");
                return;
            }

            possible = decider.Domain is Domain.Levels levels
                ? [.. levels.Values, .. decider.When is null ? [] : new[] { parameter.Default }]
                : [null];
        }
        else
        {
            possible = given.FirstOrDefault(value => value.Parameter == parameter) is { } value ? [value.Value]
                : parameter.Default is not null ? [parameter.Default]
                : [];
        }

        // A null represents an invalid value.
        if (possible.Contains(null))
            return;
        foreach (var level in required.Where(level => !possible.Contains(level)))
        {
            problems.Error(field.Value.Place, field.Path, possible.IsEmpty
                ? $"{field.Name} is not given in this file"
                : $"{field.Name} is never {level} in this sweep; expected {(possible.Length > 1 ? "some of " : "")}{string.Join(", ", possible)}");
        }
    }
}

using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>How many trials one slot trains together, by the fusion keys under which coordinators ask for it.</summary>
/// <remarks>A coordinator of another version may compute other keys than this process: sizes are told under its keys.</remarks>
internal sealed class KnownCohortSizes(ITrainer trainer, ILogger<KnownCohortSizes> log)
{
    private readonly Dictionary<string, (string OwnKey, int Trials)> _sizes = [];

    /// <param name="most">No size is larger.</param>
    public ImmutableDictionary<string, int> UpTo(int most) =>
        _sizes.ToImmutableDictionary(size => size.Key, size => Math.Min(size.Value.Trials, most));

    /// <summary>Finds out the sizes that a coordinator lacks.</summary>
    /// <returns>The keys of those that cannot be told now, and may be later.</returns>
    public ImmutableArray<string> Learn(LeaseReply reply)
    {
        var unknown = ImmutableArray.CreateBuilder<string>();
        foreach (var (key, configuration) in Lacking(reply))
        {
            if (trainer.CohortSize(configuration) is { } size)
            {
                _sizes[key] = (configuration.FusionKey, size);
                log.LogInformation("Up to {Count} trials are trained together of configurations like {Configuration}.", size, configuration);
            }
            else
            {
                unknown.Add(key);
            }
        }
        return unknown.ToImmutable();
    }

    /// <summary>What a coordinator asks the size of, by the key under which it wants to be told.</summary>
    public static IEnumerable<(string Key, Configuration Configuration)> Lacking(LeaseReply reply) =>
        from shape in reply.Unsized.Index()
        let configuration = Configuration.Parse(shape.Item)
        // A coordinator of an earlier version names no keys.
        select (reply.UnsizedKeys.IsDefaultOrEmpty ? configuration.FusionKey : reply.UnsizedKeys[shape.Index], configuration);

    /// <summary>More trials than this do not fit into memory together.</summary>
    public void Limit(Configuration configuration, int trials)
    {
        foreach (var (key, (ownKey, _)) in _sizes.ToList())
            if (ownKey == configuration.FusionKey)
                _sizes[key] = (ownKey, trials);
    }
}

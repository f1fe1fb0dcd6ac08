using System.Collections.Immutable;
using DeepTrain.Cluster.Grains.Sweeps;
using DeepTrain.Cluster.Sweeps.Configurations;
using DeepTrain.Cluster.Sweeps.Trainers;
using Microsoft.Extensions.Logging;

namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>How many trials one slot trains together, by the coordinator's fusion keys.</summary>
/// <remarks>A coordinator of another version may compute different keys, so sizes are reported under its keys.</remarks>
internal sealed class KnownCohortSizes(ITrainer trainer, ILogger<KnownCohortSizes> log)
{
    private readonly Dictionary<string, (string OwnKey, int Trials)> _sizes = [];

    /// <param name="most">The upper limit of every size.</param>
    public ImmutableDictionary<string, int> UpTo(int most) =>
        _sizes.ToImmutableDictionary(size => size.Key, size => Math.Min(size.Value.Trials, most));

    /// <summary>Determines the sizes that a coordinator lacks.</summary>
    /// <returns>The keys whose sizes cannot be determined now, but perhaps later.</returns>
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

    /// <summary>The configurations whose sizes a coordinator asks for, by the keys under which it expects them.</summary>
    public static IEnumerable<(string Key, Configuration Configuration)> Lacking(LeaseReply reply) =>
        from shape in reply.Unsized.Index()
        let configuration = Configuration.Parse(shape.Item)
        // A coordinator of an earlier version sends no keys.
        select (reply.UnsizedKeys.IsDefaultOrEmpty ? configuration.FusionKey : reply.UnsizedKeys[shape.Index], configuration);

    /// <summary>Records that more trials than this do not fit into memory together.</summary>
    public void Limit(Configuration configuration, int trials)
    {
        foreach (var (key, (ownKey, _)) in _sizes.ToList())
            if (ownKey == configuration.FusionKey)
                _sizes[key] = (ownKey, trials);
    }
}

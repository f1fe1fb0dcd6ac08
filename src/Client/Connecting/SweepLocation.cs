using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Settings;

namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>Where sweeps are kept and trained: a data folder, or a cluster.</summary>
internal abstract class SweepLocation
{
    /// <summary>Reads the store; needs nobody who trains.</summary>
    public abstract ISweepReader Reader { get; }

    /// <summary>Where checkpoints, models and data files lie.</summary>
    public abstract DataFolder Folder { get; }

    /// <summary>How a command line names the location, with a space before it; empty for what it means without a word.</summary>
    public abstract string Option { get; }

    /// <exception cref="UserException">There is nobody to talk to.</exception>
    public abstract Task<SweepConnection> OpenAsync(EmbeddedSettings settings, TimeProvider time, CancellationToken cancellation);

    /// <summary>To change something there, not to train.</summary>
    /// <inheritdoc cref="OpenAsync(EmbeddedSettings, TimeProvider, CancellationToken)"/>
    public abstract Task<SweepConnection> OpenAsync(CancellationToken cancellation);

    /// <summary>Attaches to whoever trains there. Null: nobody, or nobody that answers.</summary>
    public abstract Task<SweepConnection?> TryAttachAsync(CancellationToken cancellation);
}

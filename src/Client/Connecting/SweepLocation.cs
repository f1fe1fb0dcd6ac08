using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Silo.Settings;

namespace DeepTrain.Cluster.Client.Connecting;

/// <summary>Where sweeps are stored and trained: a data folder or a cluster.</summary>
internal abstract class SweepLocation
{
    /// <summary>Reads the store. No process needs to be training.</summary>
    public abstract ISweepReader Reader { get; }

    /// <summary>The folder with checkpoints, models and data files.</summary>
    public abstract DataFolder Folder { get; }

    /// <summary>The command-line option that names this location, with a leading space; empty for the default location.</summary>
    public abstract string Option { get; }

    /// <exception cref="UserException">No process there responds.</exception>
    public abstract Task<SweepConnection> OpenAsync(EmbeddedSettings settings, TimeProvider time, CancellationToken cancellation);

    /// <summary>Opens a connection for changes, not for training.</summary>
    /// <inheritdoc cref="OpenAsync(EmbeddedSettings, TimeProvider, CancellationToken)"/>
    public abstract Task<SweepConnection> OpenAsync(CancellationToken cancellation);

    /// <summary>Connects to the process that trains there; null where there is none, or it does not respond.</summary>
    public abstract Task<SweepConnection?> TryAttachAsync(CancellationToken cancellation);
}

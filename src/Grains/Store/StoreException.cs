namespace DeepTrain.Cluster.Grains.Store;

/// <summary>The store or its folder cannot be used. The message says what is wrong, where, and how to fix it.</summary>
public sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner);

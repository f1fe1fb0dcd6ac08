namespace DeepTrain.Cluster.Training.Data;

/// <summary>The size of an image, stored channel by channel as height x width pixels.</summary>
public sealed record ImageShape(int Channels, int Height, int Width);

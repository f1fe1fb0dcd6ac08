namespace DeepTrain.Cluster.Training.Data;

/// <summary>The size of an image: channels of height x width pixels, channel by channel.</summary>
public sealed record ImageShape(int Channels, int Height, int Width);

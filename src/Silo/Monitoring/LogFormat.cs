namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>The format of the lines of a silo's log.</summary>
public enum LogFormat
{
    Text,
    Json,
}

namespace DeepTrain.Cluster.Silo.Monitoring;

/// <summary>What a line of a silo's log is.</summary>
public enum LogFormat
{
    Text,
    Json,
}

namespace DeepTrain.Cluster.Silo.DataFolders;

/// <summary>How other processes reach the owner of a data folder.</summary>
/// <param name="Endpoint">The address and port of its Orleans gateway: <c>127.0.0.1:30000</c>.</param>
/// <param name="ClusterId">Orleans' id of the cluster.</param>
/// <param name="ServiceId">Orleans' id of the service.</param>
/// <param name="ProcessId">The owner's process id.</param>
public sealed record Gateway(string Endpoint, string ClusterId, string ServiceId, int ProcessId);

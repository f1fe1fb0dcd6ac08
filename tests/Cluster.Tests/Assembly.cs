using Xunit.Sdk;

// Two tests at a time: most of what they do is waiting for processes.
[assembly: Xunit.v3.Parallelization(Mode = ParallelMode.Collections, MaxThreads = 2)]

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>Tests that hold a cluster to times: one after the other, beside no other.</summary>
[CollectionDefinition(nameof(Timed), DisableParallelization = true)]
public sealed class Timed;

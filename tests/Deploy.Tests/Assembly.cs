using Xunit.Sdk;

// Some publish and start whole clusters, which use all cores.
[assembly: Xunit.v3.Parallelization(Mode = ParallelMode.None)]

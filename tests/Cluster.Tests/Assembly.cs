using Xunit.Sdk;

// Each test starts processes that use all cores.
[assembly: Xunit.v3.Parallelization(Mode = ParallelMode.None)]

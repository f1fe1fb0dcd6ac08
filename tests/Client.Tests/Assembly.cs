using Xunit.Sdk;

// The console is one for the whole process.
[assembly: Xunit.v3.Parallelization(Mode = ParallelMode.None)]

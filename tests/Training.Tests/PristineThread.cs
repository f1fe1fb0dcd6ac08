using System.Runtime.CompilerServices;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>A thread from before any training: a thread takes over its maker's way with denormals, and nothing takes it back.</summary>
internal static class PristineThread
{
    private static readonly ManualResetEventSlim Ready = new();
    private static readonly Thread Thread = new(Work) { IsBackground = true };
    private static Action? _action;
    private static Exception? _error;

    [ModuleInitializer]
    internal static void Start() => Thread.Start();

    /// <summary>Can be used once.</summary>
    public static void Run(Action action)
    {
        _action = action;
        Ready.Set();
        Thread.Join();
        Assert.Null(_error);
    }

    private static void Work()
    {
        Ready.Wait();
        _error = Record.Exception(_action!);
    }
}

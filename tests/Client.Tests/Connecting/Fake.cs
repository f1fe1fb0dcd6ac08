using System.Reflection;

namespace DeepTrain.Cluster.Client.Tests;

/// <summary>An interface whose answers a test makes up.</summary>
internal class Fake<T> : DispatchProxy
    where T : class
{
    private Func<string, object?[], object?> _answer = null!;

    /// <param name="answer">What a method, called by its name with arguments, returns.</param>
    public static T Of(Func<string, object?[], object?> answer)
    {
        var proxy = Create<T, Fake<T>>();
        ((Fake<T>)(object)proxy)._answer = answer;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _answer(targetMethod!.Name, args ?? []);
}

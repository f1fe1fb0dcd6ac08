using System.Globalization;

namespace DeepTrain.Cluster.Sweeps.Files.Yaml;

/// <summary>An error or a warning, with its position in the file.</summary>
/// <param name="Line">Counted from 1.</param>
/// <param name="Column">Counted from 1.</param>
/// <param name="Key">The dotted path, such as <c>training.learningRate</c>; empty where the problem concerns the whole file.</param>
/// <param name="Message">One line: what was expected, what was found, how to fix it.</param>
public sealed record SpecProblem(string File, int Line, int Column, string Key, string Message, bool IsWarning)
{
    /// <summary>One line: <c>file:line:column: key: message</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{File}:{Line}:{Column}: {(Key.Length > 0 ? $"{Key}: " : "")}{(IsWarning ? "warning: " : "")}{Message}");
}

using System.Diagnostics;
using CsCheck;
using DeepTrain.Cluster.Client.CommandLine;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class ShellWordsTests
{
    [Theory]
    [InlineData("samples/quickstart.yaml", "samples/quickstart.yaml")]
    [InlineData("my sweep.yaml", "'my sweep.yaml'")]
    [InlineData("it's", @"'it'\''s'")]
    [InlineData("~/a", "'~/a'")]
    [InlineData("", "''")]
    public void Quote_Word_IsQuotedWhereAShellNeedsIt(string text, string quoted) => Assert.Equal(quoted, ShellWords.Quote(text));

    [Fact]
    public void Quote_AnyWords_ReachAProgramThroughAShellAsTheyWere()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no POSIX shell to ask.");
        Gen.OneOf(Gen.String[Gen.Char[' ', '~'], 0, 20], Gen.String[Gen.Char["'\"\\ $`!*~#\t\nä–"], 1, 10]).Array[1, 50].Sample(words =>
        {
            using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", $"printf '%s\\0' {string.Join(' ', words.Select(ShellWords.Quote))}"])
            {
                RedirectStandardOutput = true,
            })!;
            Assert.Equal(words, shell.StandardOutput.ReadToEnd().Split('\0')[..^1]);
        }, iter: 20);
    }
}

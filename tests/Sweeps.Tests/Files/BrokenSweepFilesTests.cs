using System.Diagnostics;
using System.Text;
using CsCheck;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Spec;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class BrokenSweepFilesTests(ITestOutputHelper output)
{
    private const int Seed = 20_260_101;

    [Fact]
    public void Base_IsTheQuickstart()
    {
        var sweep = SweepFile.Parse(BrokenSweepFiles.Base, "base.yaml").Sweep!;
        var quickstart = SweepFile.Read(Repository.PathOf("samples/quickstart.yaml")).Sweep!;
        Assert.True(SweepChange.Between(quickstart, sweep).IsIdentical);
    }

    [Fact]
    public void Read_EachBrokenFile_TellsErrorsInsideIt()
    {
        output.WriteLine($"seed {Seed}");
        var path = Path.Combine(AppContext.BaseDirectory, "broken.yaml");
        try
        {
            var files = BrokenSweepFiles.All(Seed).ToList();
            Assert.True(files.Count >= 200, $"only {files.Count} files");
            var slowest = (Time: TimeSpan.Zero, Name: "");
            foreach (var (name, content) in files)
            {
                File.WriteAllBytes(path, content);
                var start = Stopwatch.GetTimestamp();
                var reading = SweepFile.Read(path);
                slowest = new[] { slowest, (Stopwatch.GetElapsedTime(start), name) }.Max();
                Assert.True(reading.Sweep is null, name);
                Assert.True(reading.Problems.Any(problem => !problem.IsWarning), name);
                AssertInside(name, Encoding.UTF8.GetString(content), reading);
            }

            output.WriteLine($"{files.Count} files; the slowest, {slowest.Name}, took {slowest.Time.TotalMilliseconds:F0} ms");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Parse_PlantedErrors_TellsThemAll()
    {
        output.WriteLine($"seed {Seed}");
        foreach (var planted in BrokenSweepFiles.AllPlanted(Seed))
        {
            var told = SweepFile.Parse(planted.Content, "planted.yaml").Problems
                .Where(problem => !problem.IsWarning).Select(problem => (problem.Line, problem.Key)).ToList();
            foreach (var error in planted.Errors)
                Assert.True(told.Contains(error), $"{planted.Name}: {error} is not among {string.Join(", ", told)}\n{planted.Content}");
        }
    }

    [Fact]
    public void Parse_MutatedQuickstart_NeverThrows()
    {
        var quickstart = File.ReadAllText(Repository.PathOf("samples/quickstart.yaml"));
        var character = Gen.OneOf(Gen.Char, Gen.Char["[]{}:,>-#&*!|'\"%@`~?\t\n\r 0123456789.e_"]);
        var edit = Gen.Select(Gen.Int[0, quickstart.Length - 1], Gen.Int[0, 8], Gen.String[character, 0, 5]);
        edit.Array[1, 4].Sample(edits =>
        {
            var text = edits.Aggregate(quickstart, (text, edit) =>
            {
                var start = Math.Min(edit.Item1, text.Length);
                return text.Remove(start, Math.Min(edit.Item2, text.Length - start)).Insert(start, edit.Item3);
            });
            var reading = SweepFile.Parse(text, "mutated.yaml");
            Assert.Equal(reading.Sweep is null, reading.Problems.Any(problem => !problem.IsWarning));
            AssertInside(text, text, reading);
        }, iter: 3_000, seed: "0000KTvSy1b3", print: edits => string.Join("; ", edits));
    }

    private static void AssertInside(string name, string text, SweepReading reading)
    {
        var lines = text.Split('\n');
        foreach (var problem in reading.Problems)
        {
            Assert.True(problem.Line >= 1 && problem.Line <= lines.Length, $"{name}: {problem}");
            Assert.True(problem.Column >= 1 && problem.Column <= lines[problem.Line - 1].Length + 1, $"{name}: {problem}");
            Assert.DoesNotContain(problem.ToString(), char.IsControl);
        }
    }
}

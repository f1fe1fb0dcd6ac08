using System.Diagnostics;
using System.Text.Json;

namespace DeepTrain.Cluster.Bench;

/// <summary>Trials a second of Optuna's random sampler, one after the other, as its own default is.</summary>
/// <param name="Sqlite">Durable: SQLite as Optuna opens it.</param>
internal sealed record OptunaFigures(string Version, int InMemoryTrials, double InMemory, int SqliteTrials, double Sqlite)
{
    /// <summary>Optuna writes some fifty trials a second into SQLite: more of them would say no more.</summary>
    private const int MostInSqlite = 1_000;
    private const int MostInMemory = 20_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Null: no Python here has Optuna (Debian: python3-optuna).</summary>
    public static async Task<OptunaFigures?> MeasureAsync(int trials, string folder)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "Orchestration", "optuna_trials.py");
        foreach (var python in (string[])["python3", "/usr/bin/python3"])
        {
            var start = new ProcessStartInfo(
                python, [script, $"{Math.Min(trials, MostInMemory)}", $"{Math.Min(trials, MostInSqlite)}", folder])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            try
            {
                using var process = Process.Start(start)!;
                var (output, _) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
                await process.WaitForExitAsync();
                if (process.ExitCode == 0)
                    return JsonSerializer.Deserialize<OptunaFigures>(await output, Json);
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // There is no such program.
            }
        }
        return null;
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using DeepTrain.Cluster.Servers;
using DeepTrain.Cluster.Sweeps.Tests;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>What an image holds: published as its build does it, out of the files that its build is given, once a run of the tests.</summary>
internal static class Image
{
    private const string Folder = "artifacts/images";

    private static readonly ConcurrentDictionary<string, Lazy<Task<string>>> Published = new();
    private static readonly SemaphoreSlim One = new(1);
    private static readonly Lazy<string> Context = new(CopyContext);

    /// <summary>The folder of an image's programs, in which nobody may write. Skips the test where images' programs do not run.</summary>
    /// <param name="target">Of the Dockerfile: <c>coordinator</c>, <c>worker</c>.</param>
    public static Task<string> PublishAsync(string target)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.Is64BitProcess, "Images are of Linux x64.");
        return Published.GetOrAdd(target, _ => new(() => PublishOnceAsync(target))).Value;
    }

    /// <summary>A program of an image, started in its folder as its user, with these variables and no others.</summary>
    /// <remarks>Where the tests do not run as root, they cannot become another user: then it is theirs, who is not root either.</remarks>
    public static ProcessStartInfo Start(string image, string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess && InstalledPrograms.OnPath("setpriv") is null,
            "There is no setpriv (Debian: util-linux) to start an image's programs as its user.");
        string[] command = [Path.Combine(image, program), .. arguments];
        // It may pass through folders that are closed to others, as root may, but writes where its user may.
        const string passing = "+dac_read_search";
        var start = Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv",
                [$"--reuid={Dockerfile.User}", $"--regid={Dockerfile.User}", "--clear-groups", "--no-new-privs",
                    $"--inh-caps={passing}", $"--ambient-caps={passing}", .. command])
            : new ProcessStartInfo(command[0], command[1..]);
        start.WorkingDirectory = image;
        start.Environment.Clear();
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return start;
    }

    private static async Task<string> PublishOnceAsync(string target)
    {
        var image = Repository.PathOf(Path.Combine(Folder, target));
        await One.WaitAsync();
        try
        {
            Writable(image, true);
            var script = Dockerfile.Publish(target);
            var start = new ProcessStartInfo(Path.Combine(Context.Value, script[0]), [.. script.Skip(1), image])
            {
                WorkingDirectory = Context.Value,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            Reaper.Watch(process);
            var errors = process.StandardError.ReadToEndAsync();
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Reaper.Forget(process);
            Assert.True(process.ExitCode == 0, $"'{string.Join(' ', script)}' ended with {process.ExitCode}.{Environment.NewLine}{output}{await errors}");
            Writable(image, false);
            return image;
        }
        finally
        {
            One.Release();
        }
    }

    // Of its folders only: files are links to those of the package cache.
    private static void Writable(string image, bool may)
    {
        const UnixFileMode reading = (UnixFileMode)0b101_101_101;
        if (!Directory.Exists(image))
            return;
        foreach (var folder in Directory.EnumerateDirectories(image, "*", SearchOption.AllDirectories).Append(image).ToList())
#pragma warning disable CA1416 // The caller has looked.
            File.SetUnixFileMode(folder, may ? reading | UnixFileMode.UserWrite : reading);
#pragma warning restore CA1416
    }

    /// <summary>Brings a copy up to date: what is the same stays, so that only what has changed is built again.</summary>
    private static string CopyContext()
    {
        var copy = Repository.PathOf(Path.Combine(Folder, "source"));
        var files = Dockerfile.Context().ToHashSet();
        if (Directory.Exists(copy))
            foreach (var file in Directory.EnumerateFiles(copy, "*", SearchOption.AllDirectories).ToList())
                if (Path.GetRelativePath(copy, file) is var path && !path.StartsWith("artifacts/", StringComparison.Ordinal) && !files.Contains(path))
                    File.Delete(file);
        foreach (var path in files)
        {
            var (from, to) = (new FileInfo(Repository.PathOf(path)), new FileInfo(Path.Combine(copy, path)));
            if (to.Exists && to.LastWriteTimeUtc == from.LastWriteTimeUtc && to.Length == from.Length)
                continue;
            Directory.CreateDirectory(to.DirectoryName!);
            from.CopyTo(to.FullName, overwrite: true);
        }
        return copy;
    }
}

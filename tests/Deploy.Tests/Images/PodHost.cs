using System.Diagnostics;
using System.Net;
using DeepTrain.Cluster.Servers;
using k8s.Models;

namespace DeepTrain.Cluster.Deploy.Tests;

/// <summary>
/// Runs an overlay's pods as processes of this machine: their programs out of the images, their variables, their ports at an address of
/// their own of the loopback, and nothing to write to but folders in place of their mounts.
/// </summary>
internal sealed class PodHost(Manifests manifests, Stores stores) : IDisposable
{
    private static int _addresses = Random.Shared.Next(1 << 16);

    private readonly string _root = Directory.CreateTempSubdirectory("deeptrain-pods-").FullName;
    private int _pods;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    /// <summary>Gives a pod an address and folders.</summary>
    public HostedPod Place(Pod pod, string image)
    {
        // Of 127.0.0.0/8, all of which is the loopback; those that begin with 127.0 are other tests'.
        var next = (uint)Interlocked.Increment(ref _addresses);
        var address = new IPAddress([127, (byte)(1 + next / 250 / 250 % 250), (byte)(1 + next / 250 % 250), (byte)(1 + next % 250)]);
        var name = $"{pod.Workload.Split(' ')[1]}-{_pods++}";
        var mounts = pod.Container.VolumeMounts.ToDictionary(
            mount => mount.MountPath, mount => Mount(name, pod.Spec.Volumes.Single(volume => volume.Name == mount.Name)));
        var variables = new Dictionary<string, string>
        {
            // What the base image says.
            ["APP_UID"] = $"{Dockerfile.User}",
            ["ASPNETCORE_HTTP_PORTS"] = "8080",
            ["DOTNET_RUNNING_IN_CONTAINER"] = "true",
            ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "../../..")),
            ["HOME"] = "/nonexistent",
            ["TMPDIR"] = mounts["/tmp"],
        };
        foreach (var (variable, value) in manifests.Environment(pod))
            variables[variable] = value switch
            {
                "status.podIP" => $"{address}",
                "metadata.name" => name,
                _ => mounts.Keys.FirstOrDefault(path => $"{value}/".StartsWith($"{path}/", StringComparison.Ordinal)) is { } path
                    ? mounts[path] + value[path.Length..]
                    : value,
            };
        foreach (var (variable, value) in stores.Variables)
            variables[variable] = value;
        return new(pod, image, name, address, variables);
    }

    private string Mount(string pod, V1Volume volume)
    {
        // A claim is one volume, whoever mounts it.
        var folder = volume.PersistentVolumeClaim is { } claim ? Path.Combine(_root, claim.ClaimName) : Path.Combine(_root, pod, volume.Name);
        Directory.CreateDirectory(folder);
        if (volume.Secret is { } secret)
            foreach (var (key, content) in stores.Secrets.Single(each => secret.SecretName.StartsWith(each.Key, StringComparison.Ordinal)).Value)
                File.WriteAllText(Path.Combine(folder, key), content);
        else if (Environment.IsPrivilegedProcess)
            Own(folder);
        return folder;
    }

    private static void Own(string folder)
    {
        using var process = Process.Start("chown", ["-R", $"{Dockerfile.User}:{Dockerfile.User}", folder]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}

/// <summary>A pod that has a place to run.</summary>
internal sealed record HostedPod(Pod Pod, string Image, string Name, IPAddress Address, IReadOnlyDictionary<string, string> Variables)
{
    /// <summary>Starts what its container starts; returns once that serves.</summary>
    public Task<ServerProcess> ServeAsync() => ServerProcess.StartAsync(ContainersStart(), " is active at ");

    /// <summary>Starts what its container starts, and waits for its end.</summary>
    public Task<Finished> RunAsync() => Finished.WaitAsync(ContainersStart());

    /// <summary>Another program in its container, as by <c>kubectl exec -i</c>.</summary>
    public Task<Finished> ExecAsync(string input, string program, params string[] arguments) =>
        Finished.WaitAsync(Deploy.Tests.Image.Start(Image, program, arguments, Variables), input);

    private ProcessStartInfo ContainersStart() => Deploy.Tests.Image.Start(Image, Dockerfile.Program, Pod.Container.Args ?? [.. Dockerfile.Arguments], Variables);
}

/// <summary>A process that has ended.</summary>
internal sealed record Finished(string CommandLine, int ExitCode, string Output, string Errors)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    public static async Task<Finished> WaitAsync(ProcessStartInfo start, string input = "")
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        Reaper.Watch(process);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            var commandLine = string.Join(' ', start.ArgumentList);
            using var deadline = new CancellationTokenSource(Patience);
            try
            {
                await process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                Assert.Fail($"'{commandLine}' has not ended after {Patience.TotalSeconds} s.{Environment.NewLine}{await errors}{await output}");
            }
            return new(commandLine, process.ExitCode, await output, await errors);
        }
        finally
        {
            Reaper.Forget(process);
        }
    }

    public Finished Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"'{CommandLine}' ended with {ExitCode}, not {exitCode}.{Environment.NewLine}{Errors}{Environment.NewLine}{Output}");
        return this;
    }
}

using System.Diagnostics;

namespace DeepTrain.Cluster.Cluster.Tests;

/// <summary>A disk of its own on a folder, as large as is wanted, writable or not. Gone when disposed.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    /// <summary>Skips the test where mounting is not permitted.</summary>
    public static SmallDisk On(string folder, string size)
    {
        Directory.CreateDirectory(folder);
        Assert.SkipWhen(!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess, "Small disks can be mounted on Linux by root only.");
        var refusal = Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", folder);
        Assert.SkipWhen(refusal.Length > 0, $"A small disk cannot be mounted here: {refusal}");
        return new(folder);
    }

    /// <summary>Changes what it is: <c>size=1m</c>, <c>ro</c>, <c>rw</c>.</summary>
    public void Become(string option) => Assert.Equal("", Run("mount", "-o", $"remount,{option}", _folder));

    /// <summary>Shrinks to what it holds.</summary>
    public void LeaveNoSpace()
    {
        var drive = new DriveInfo(_folder);
        Become($"size={drive.TotalSize - drive.AvailableFreeSpace}");
    }

    public void Dispose() => Run("umount", "--lazy", _folder);

    /// <returns>What it complained of; nothing when it was done.</returns>
    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? "" : $"{program} ended with {process.ExitCode}: {errors}";
    }
}

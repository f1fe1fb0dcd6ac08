using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace DeepTrain.Cluster.Training.Files;

/// <summary>Devices, pipes and sockets: they look like files, but are no place for one. .NET does not tell them apart.</summary>
internal static partial class SpecialFile
{
    private const int TypeMask = 0xF000;
    private const int Regular = 0x8000;
    private const int Directory = 0x4000;

    // Both larger than the structure of any system; the offsets are those of the mode in it.
    private const int StatusSize = 512;
    private const int LinuxMode = 28;
    private const int MacMode = 4;

    private const int CurrentFolder = -100;
    private const uint TypeAndMode = 3;

    /// <summary>Whether a path leads there, symbolic links followed.</summary>
    public static bool IsAt(string path)
    {
        Span<byte> status = stackalloc byte[StatusSize];
        int? offset = OperatingSystem.IsLinux() && StatusOnLinux(CurrentFolder, path, 0, TypeAndMode, ref status[0]) == 0 ? LinuxMode
            : OperatingSystem.IsMacOS() && StatusOnMac(path, ref status[0]) == 0 ? MacMode
            : null;
        return offset is { } place && (BinaryPrimitives.ReadUInt16LittleEndian(status[place..]) & TypeMask) is not (Regular or Directory);
    }

    // The same structure on every processor, which 'stat' has not.
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatusOnLinux(int folder, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", EntryPoint = "stat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatusOnMac(string path, ref byte status);
}

using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace DeepTrain.Cluster.Training.Files;

/// <summary>Detects devices, pipes and sockets, which .NET cannot distinguish from ordinary files.</summary>
internal static partial class SpecialFile
{
    private const int TypeMask = 0xF000;
    private const int Regular = 0x8000;
    private const int Directory = 0x4000;

    // Larger than the structure on any system. The offset is that of the file mode.
    private const int StatusSize = 512;
    private const int LinuxMode = 28;
    private const int MacMode = 4;

    private const int CurrentFolder = -100;
    private const uint TypeAndMode = 3;

    /// <summary>Whether a path leads to a special file, following symbolic links.</summary>
    public static bool IsAt(string path)
    {
        Span<byte> status = stackalloc byte[StatusSize];
        int? offset = OperatingSystem.IsLinux() && StatusOnLinux(CurrentFolder, path, 0, TypeAndMode, ref status[0]) == 0 ? LinuxMode
            : OperatingSystem.IsMacOS() && StatusOnMac(path, ref status[0]) == 0 ? MacMode
            : null;
        return offset is { } place && (BinaryPrimitives.ReadUInt16LittleEndian(status[place..]) & TypeMask) is not (Regular or Directory);
    }

    // Unlike that of 'stat', this structure is the same on every processor.
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatusOnLinux(int folder, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", EntryPoint = "stat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatusOnMac(string path, ref byte status);
}

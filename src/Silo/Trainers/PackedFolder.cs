using System.Formats.Tar;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>A folder as a tar archive that can be unpacked anywhere: its links are relative, and none leads out of the folder.</summary>
internal static class PackedFolder
{
    // An archive without entries would lack it.
    private static readonly byte[] EndOfArchive = new byte[1024];

    /// <exception cref="IOException">Something in the folder cannot be read, or is a link that leads out of it.</exception>
    public static void Pack(DirectoryInfo folder, Stream stream)
    {
        using (var tar = new TarWriter(stream, leaveOpen: true))
            Pack(folder, folder, tar);
        stream.Write(EndOfArchive);
    }

    /// <exception cref="InvalidDataException">This is no such archive, or a damaged one; nothing has been unpacked.</exception>
    /// <exception cref="IOException">The archive cannot be read, or the folder not be filled.</exception>
    public static void Unpack(Stream stream, string folder)
    {
        var begin = stream.Position;
        Check(stream);
        stream.Position = begin;
        TarFile.ExtractToDirectory(stream, folder, overwriteFiles: false);
    }

    private static void Pack(DirectoryInfo root, DirectoryInfo folder, TarWriter tar)
    {
        foreach (var entry in folder.EnumerateFileSystemInfos())
        {
            var name = Path.GetRelativePath(root.FullName, entry.FullName);
            if (entry.LinkTarget is { } target)
            {
                tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = RelativeTarget(root, folder, name, target) });
                continue;
            }
            tar.WriteEntry(entry.FullName, name);
            if (entry is DirectoryInfo inner)
                Pack(root, inner, tar);
        }
    }

    private static string RelativeTarget(DirectoryInfo root, DirectoryInfo folder, string link, string target)
    {
        var relative = Path.IsPathRooted(target) ? Path.GetRelativePath(folder.FullName, target) : target;
        return IsInside(Path.GetDirectoryName(link)!, relative)
            ? relative
            : throw new IOException($"The link '{link}' in the folder {root.FullName} leads to '{target}', which is not within that folder, so it may lead "
                + "nowhere on another machine. Copy the file into the folder, or keep the link elsewhere.");
    }

    /// <summary>Reads all of the archive: what is not known to be whole is not begun.</summary>
    private static void Check(Stream stream)
    {
        try
        {
            using var tar = new TarReader(stream, leaveOpen: true);
            while (tar.GetNextEntry() is { } entry)
            {
                var (folder, target) = entry.EntryType switch
                {
                    TarEntryType.SymbolicLink => (Path.GetDirectoryName(entry.Name) ?? "", entry.LinkName),
                    TarEntryType.HardLink => ("", entry.LinkName),
                    _ => ("", entry.Name),
                };
                if (!IsInside("", entry.Name) || !IsInside(folder, target))
                    throw new InvalidDataException($"'{entry.Name}' leads out of its folder, to '{target}'");
            }
        }
        catch (Exception broken) when (broken is EndOfStreamException or FormatException)
        {
            throw new InvalidDataException(broken.Message, broken);
        }
    }

    /// <summary>Whether a path leads to something within the folder.</summary>
    /// <param name="folder">Where the path begins: one of the folder's folders.</param>
    private static bool IsInside(string folder, string path)
    {
        var depth = 0;
        return !Path.IsPathRooted(path)
            && Path.Combine(folder, path).Split('/').All(part => (depth += part switch { "" or "." => 0, ".." => -1, _ => 1 }) >= 0) && depth > 0;
    }
}

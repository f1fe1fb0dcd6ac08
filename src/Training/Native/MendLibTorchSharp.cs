#nullable disable
#pragma warning disable CA1050, IDE0005 // A task in the build has no namespace and no implicit usings; the tests compile it with their own.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;

/// <summary>Writes a copy of libLibTorchSharp.so that loads where libstdc++ is older than GCC 13's.</summary>
/// <remarks>
/// TorchSharp 0.107.0 needs GLIBCXX_3.4.32 for one symbol, std::ios_base_library_init(), which only initialises the standard streams.
/// Debian 12 and Ubuntu 22.04 only have GLIBCXX_3.4.30. The copy uses std::ios_base::Init::Init() instead, which every libstdc++ has
/// and which does the same, and version GLIBCXX_3.4 in place of 3.4.32. It loads on old and new systems alike.
/// The build compiles this file as a separate task, and the tests compile it as a class of their own.
/// </remarks>
public sealed class MendLibTorchSharp : Microsoft.Build.Utilities.Task
{
    private const string NewSymbol = "_ZSt21ios_base_library_initv";
    private const string OldSymbol = "_ZNSt8ios_base4InitC1Ev";
    private const string NewVersion = "GLIBCXX_3.4.32";
    private const string OldVersion = "GLIBCXX_3.4";

    [Required]
    public string Original { get; set; }

    [Required]
    public string Mended { get; set; }

    public override bool Execute()
    {
        try
        {
            var library = File.ReadAllBytes(Original);
            Mend(library);
            Directory.CreateDirectory(Path.GetDirectoryName(Mended));
            // The output may be a hard link to an earlier copy. Creating a new file leaves that copy unchanged.
            File.Delete(Mended);
            File.WriteAllBytes(Mended, library);
            return true;
        }
        catch (InvalidDataException error)
        {
            Log.LogError("{0}: {1} This TorchSharp is not the one that the mending knows: look at src/Training/Native anew.", Original, error.Message);
            return false;
        }
    }

    /// <summary>Makes both changes in place.</summary>
    public static void Mend(byte[] library)
    {
        if (library.Length < 64 || library[0] != 0x7f || library[1] != 'E' || library[2] != 'L' || library[3] != 'F' || library[4] != 2)
            throw new InvalidDataException("Expected a 64-bit ELF library.");
        var strings = Section(library, ".dynstr");
        var needs = Section(library, ".gnu.version_r");

        var symbols = Find(library, strings, NewSymbol);
        if (symbols.Count != 1)
            throw new InvalidDataException($"Expected the symbol {NewSymbol} once in .dynstr, found it {symbols.Count} times.");
        var names = Find(library, strings, OldVersion);
        if (names.Count == 0)
            throw new InvalidDataException($"Expected the version {OldVersion} in .dynstr.");

        var entries = new List<int>();
        for (var need = needs.Start; ;)
        {
            var count = BitConverter.ToUInt16(library, need + 2);
            var entry = need + (int)BitConverter.ToUInt32(library, need + 8);
            for (var i = 0; i < count; i++)
            {
                if (Text(library, strings.Start + (int)BitConverter.ToUInt32(library, entry + 8)) == NewVersion)
                    entries.Add(entry);
                entry += (int)BitConverter.ToUInt32(library, entry + 12);
            }
            var next = (int)BitConverter.ToUInt32(library, need + 12);
            if (next == 0)
                break;
            need += next;
        }
        if (entries.Count != 1)
            throw new InvalidDataException($"Expected the version {NewVersion} to be needed once, found it {entries.Count} times.");

        var symbol = new byte[NewSymbol.Length];
        Encoding.ASCII.GetBytes(OldSymbol, 0, OldSymbol.Length, symbol, 0);
        symbol.CopyTo(library, symbols[0]);
        BitConverter.GetBytes(ElfHash(OldVersion)).CopyTo(library, entries[0]);
        BitConverter.GetBytes((uint)(names[0] - strings.Start)).CopyTo(library, entries[0] + 8);
    }

    private static (int Start, int Size) Section(byte[] library, string name)
    {
        var table = (int)BitConverter.ToUInt64(library, 0x28);
        var size = BitConverter.ToUInt16(library, 0x3a);
        var count = BitConverter.ToUInt16(library, 0x3c);
        var names = Header(BitConverter.ToUInt16(library, 0x3e)).Start;
        for (var i = 0; i < count; i++)
        {
            if (Text(library, names + (int)BitConverter.ToUInt32(library, table + i * size)) == name)
                return Header(i);
        }
        throw new InvalidDataException($"Expected a section {name}.");

        (int Start, int Size) Header(int index) =>
            ((int)BitConverter.ToUInt64(library, table + index * size + 0x18), (int)BitConverter.ToUInt64(library, table + index * size + 0x20));
    }

    /// <summary>The positions of a complete string in a string table.</summary>
    private static List<int> Find(byte[] library, (int Start, int Size) table, string text)
    {
        var found = new List<int>();
        for (var at = table.Start; at < table.Start + table.Size; at += Text(library, at).Length + 1)
        {
            if (Text(library, at) == text)
                found.Add(at);
        }
        return found;
    }

    private static string Text(byte[] library, int start) =>
        Encoding.ASCII.GetString(library, start, Array.IndexOf(library, (byte)0, start) - start);

    /// <summary>The hash function of the System V ABI, section 'Hash Table'.</summary>
    private static uint ElfHash(string name)
    {
        var hash = 0u;
        foreach (var letter in name)
        {
            hash = (hash << 4) + letter;
            var high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }
        return hash;
    }
}

using System.Text;

namespace DeepTrain.Cluster.Training.Tests;

public sealed class MendLibTorchSharpTests
{
    private const string Symbol = "_ZSt21ios_base_library_initv";

    [Fact]
    public void Mend_KnownLibrary_MakesTheTwoEditsOnly()
    {
        var library = Library(["GLIBCXX_3.4", "other", Symbol, "GLIBCXX_3.4.32", "last"], ["GLIBCXX_3.4", "GLIBCXX_3.4.32"]);
        var mended = library.ToArray();
        MendLibTorchSharp.Mend(mended);

        var text = Encoding.ASCII.GetString(mended);
        Assert.Contains("other\0_ZNSt8ios_base4InitC1Ev\0\0\0\0\0\0GLIBCXX_3.4.32\0last", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Symbol, text, StringComparison.Ordinal);
        // The second entry now has the first one's name, and the hash that the linker writes for it; nothing else has changed.
        var entries = (int)BitConverter.ToUInt64(mended, 64 + 2 * 64 + 0x18) + 16;
        Assert.Equal(mended[(entries + 8)..(entries + 12)], mended[(entries + 16 + 8)..(entries + 16 + 12)]);
        Assert.Equal(0x08922974u, BitConverter.ToUInt32(mended, entries + 16));
        var symbol = text.IndexOf("_ZNSt8ios_base4InitC1Ev", StringComparison.Ordinal);
        Assert.All(Enumerable.Range(0, library.Length).Where(place => library[place] != mended[place]), place => Assert.True(
            (place >= symbol && place < symbol + Symbol.Length) || (place >= entries + 16 && place < entries + 28)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Mend_SymbolNotOnce_IsRefused(int times)
    {
        var library = Library(["GLIBCXX_3.4", .. Enumerable.Repeat(Symbol, times), "GLIBCXX_3.4.32"], ["GLIBCXX_3.4.32"]);
        var error = Assert.Throws<InvalidDataException>(() => MendLibTorchSharp.Mend(library));
        Assert.Contains($"found it {times} times", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mend_VersionNotNeeded_IsRefused() => Assert.Throws<InvalidDataException>(() =>
        MendLibTorchSharp.Mend(Library(["GLIBCXX_3.4", Symbol, "GLIBCXX_3.4.32"], ["GLIBCXX_3.4"])));

    [Fact]
    public void Mend_NoLibrary_IsRefused() =>
        Assert.Throws<InvalidDataException>(() => MendLibTorchSharp.Mend(new byte[100]));

    [Fact]
    public void Mend_LibraryInUse_IsMendedAlready()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Only Linux has it mended.");
        var path = Directory.EnumerateFiles(AppContext.BaseDirectory, "libLibTorchSharp.so", SearchOption.AllDirectories).Single();
        var error = Assert.Throws<InvalidDataException>(() => MendLibTorchSharp.Mend(File.ReadAllBytes(path)));
        Assert.Contains("found it 0 times", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The least of an ELF library: .shstrtab, .dynstr and .gnu.version_r, one needed file with the versions.</summary>
    private static byte[] Library(string[] strings, string[] versions)
    {
        const int header = 64;
        byte[] sections = Strings(".shstrtab", ".dynstr", ".gnu.version_r");
        byte[] dynamic = Strings(strings);
        var needs = new MemoryStream();
        var writer = new BinaryWriter(needs);
        writer.Write((ushort)1); // vn_version
        writer.Write((ushort)versions.Length);
        writer.Write(0); // vn_file
        writer.Write(16); // vn_aux
        writer.Write(0); // vn_next
        foreach (var (version, place) in versions.Select((version, place) => (version, place)))
        {
            writer.Write(version == "GLIBCXX_3.4" ? 0x08922974 : 1); // vna_hash
            writer.Write((ushort)0);
            writer.Write((ushort)2);
            writer.Write(Place(dynamic, version));
            writer.Write(place + 1 < versions.Length ? 16 : 0); // vna_next
        }

        byte[][] contents = [sections, dynamic, needs.ToArray()];
        string[] names = [".shstrtab", ".dynstr", ".gnu.version_r"];
        var library = new byte[header + 3 * header + contents.Sum(content => content.Length)];
        new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2 }.CopyTo(library, 0);
        BitConverter.GetBytes((ulong)header).CopyTo(library, 0x28);
        BitConverter.GetBytes((ushort)header).CopyTo(library, 0x3a);
        BitConverter.GetBytes((ushort)3).CopyTo(library, 0x3c);
        var at = header + 3 * header;
        for (var section = 0; section < 3; section++)
        {
            var entry = header + section * header;
            BitConverter.GetBytes(Place(sections, names[section])).CopyTo(library, entry);
            BitConverter.GetBytes((ulong)at).CopyTo(library, entry + 0x18);
            BitConverter.GetBytes((ulong)contents[section].Length).CopyTo(library, entry + 0x20);
            contents[section].CopyTo(library, at);
            at += contents[section].Length;
        }
        return library;
    }

    private static byte[] Strings(params string[] strings) => Encoding.ASCII.GetBytes($"\0{string.Join('\0', strings)}\0");

    private static int Place(byte[] strings, string text) =>
        Encoding.ASCII.GetString(strings).IndexOf($"\0{text}\0", StringComparison.Ordinal) + 1;
}

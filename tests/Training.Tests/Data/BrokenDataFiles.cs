using System.IO.Compression;
using System.Text;

namespace DeepTrain.Cluster.Training.Tests;

/// <summary>Data files that are wrong in every way we could think of. Needs nothing but the base library, so that other tests can link it.</summary>
internal static class BrokenDataFiles
{
    /// <summary>Stands in the content of many of them; no message may quote it.</summary>
    public const string Secret = "Zx9Secret";

    /// <param name="Line">Counted from 1; 0 where the file as a whole is wrong.</param>
    public sealed record Broken(string Name, string Dataset, byte[] Content, int Line, int Column, string Expected)
    {
        public string? LabelColumn { get; init; }

        /// <summary>Whether it is read all the same where it was submitted before anybody looked for what is wrong with it.</summary>
        public bool WasTaken { get; init; }
    }

    public static IEnumerable<Broken> All() => Csv().Concat(Npz());

    public static IEnumerable<Broken> Csv()
    {
        yield return Of("empty", "", 1, 1, "the file is empty");
        yield return Of("header-alone", "a,b,label\n", 1, 1, "no rows");
        yield return Of("one-column", "label\nx\ny\n", 1, 1, "at least one feature");
        yield return Of("semicolons", $"a;b;{Secret}\n1;2;x\n", 1, 1, "expected commas");
        yield return Of("tabs", $"a\tb\t{Secret}\n1\t2\tx\n", 1, 1, "expected commas");
        yield return Of("no-header", "1,2,3\n" + Rows, 1, 1, "column 1 of 3: the name of this column is a number") with { WasTaken = true };
        yield return Of("no-header-and-words-as-labels", $"5.1,3.5,{Secret}\n" + Rows, 1, 1, "add a first line with the names of the columns") with { WasTaken = true };
        yield return Of("number-in-the-header", "a,7,label\n" + Rows, 1, 3, "let the name begin with a letter") with { WasTaken = true };
        yield return Of("beyond-float32", "a,b,label\n" + Rows + "1,-1e39,x\n", 62, 3, "beyond the range of float32, which ends at 3.4e38") with { WasTaken = true };
        // In some replicate the row with the large number is not trained on.
        yield return Of("beyond-float32-when-standardised",
            "a,b,label\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"{i},{(i < 20 ? 1e-20 * i : 0)},{(i < 20 ? 'x' : 'y')}\n")) + "1,3e38,z\n2,0,z\n3,0,z\n4,0,z\n5,0,z\n",
            62, 3, "too far from the others of its column: standardised by the training rows of replicate ") with { WasTaken = true };
        yield return Of("gzipped", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, .. new byte[40]], 0, 0, "unpack it with gunzip");
        yield return Of("nameless-column", ",a,label\n0,1,x\n1,2,y\n", 1, 1, "has no name");
        yield return Of("too-few-fields", $"a,b,label\n1,2,{Secret}\n3,y\n", 3, 1, "2 fields; expected 3");
        yield return Of("too-many-fields", $"a,b,label\n1,2,x\n3,4,5,{Secret}\n", 3, 1, "4 fields; expected 3");
        yield return Of("decimal-comma", "a,b,label\n1,5,2,x\n", 2, 1, "4 fields; expected 3");
        yield return Of("empty-line", "a,b,label\n1,2,x\n\n3,4,y\n", 3, 1, "an empty line");
        yield return Of("text", $"a,b,label\n1,2,x\n3,{Secret},y\n", 3, 3, "column 2 of 3: this is text; expected a finite number");
        yield return Of("text-after-wide-characters", $"a,b,label\n1,2,x\n\"3\",{Secret},\u00fc\n", 3, 5, "expected a finite number");
        yield return Of("missing-value", "a,b,label\n1,,x\n", 2, 3, "the field is empty");
        yield return Of("nan", "a,b,label\n1,2,x\nNaN,2,y\n", 3, 1, "is not finite");
        yield return Of("infinity", "a,b,label\n1,2,x\n1,-Infinity,y\n", 3, 3, "is not finite");
        yield return Of("overflow", "a,b,label\n1,1e400,x\n", 2, 3, "is not finite");
        yield return Of("thousands", "a,b,label\n\"1,000\",2,x\n", 2, 1, "expected a finite number");
        yield return Of("empty-label", "a,b,label\n1,2,\n", 2, 5, "the label is empty");
        yield return Of("one-class", $"a,b,label\n1,2,{Secret}\n3,4,{Secret}\n", 0, 0, "all 2 rows have the same label");
        yield return Of("label-not-there", $"a,b,{Secret}\n1,2,x\n3,4,y\n", 1, 1, "has the name that labelColumn gives") with { LabelColumn = "label" };
        yield return Of("label-in-other-case", "a,b,Label\n1,2,x\n3,4,y\n", 1, 1, "capitals and spaces count") with { LabelColumn = "label" };
        yield return Of("label-twice", "label,b,label\nx,2,x\n", 1, 9, "columns 1 and 3 both") with { LabelColumn = "label" };
        yield return Of("open-quote", $"a,b,label\n1,2,\"{Secret}\n3,4,y\n", 2, 5, "not closed");
        yield return Of("open-quote-in-long-file", $"a,b,label\n1,2,\"{new string('s', 100_000)}\n", 2, 5, "is a quote not closed?");
        yield return Of("quote-inside", $"a,b,label\n1,2,{Secret}\"x\"\n", 2, 5 + Secret.Length, "a quote inside a field");
        yield return Of("text-after-quote", $"a,b,label\n1,2,\"x\"{Secret}\n", 2, 8, "after a closing quote");
        yield return Of("carriage-returns", "a,b,label\r1,2,x\r3,4,y\r", 1, 1, "carriage return alone");
        yield return Of("null-character", "a,b,label\n1,2,x\0y\n", 2, 6, "null character");
        yield return Of("windows-1252", [.. "a,b,label\n1,2,caf"u8, 0xe9, (byte)'\n'], 2, 5, "not UTF-8");
        yield return Of("header-windows-1252", [.. "a,caf"u8, 0xe9, .. ",label\n1,2,x\n"u8], 1, 3, "not UTF-8");
        yield return Of("utf-16", [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes("a,b,label\n1,2,x\n")], 1, 1, "UTF-16");
        yield return Of("zip", Tests.Npz.Of(("x.npy", Tests.Npz.Floats("1, 1", 1))), 0, 0, "a zip archive");
        yield return Of("measurements-as-labels",
            "a,label\n" + string.Concat(Enumerable.Range(0, 10_001).Select(i => $"1,{i}.5\n")), 0, 0, "labels of classes, or measurements?");
        yield return Of("too-wide", string.Join(',', Enumerable.Range(0, 300_000).Select(i => $"c{i}")) + "\n", 1, 1_986_051, "columns");
    }

    public static IEnumerable<Broken> Npz()
    {
        byte[] x = Tests.Npz.Floats("4, 2", 1, 2, 3, 4, 5, 6, 7, 8), y = Tests.Npz.Longs("4,", 0, 1, 0, 1);
        var good = Tests.Npz.Of(("x.npy", x), ("y.npy", y));
        yield return Whole("empty", [], "no zip archive");
        yield return Whole("text", Encoding.UTF8.GetBytes($"a,b,{Secret}\n1,2,x\n"), "no zip archive");
        // Its directory stands at the end: whatever is cut off, that is gone.
        for (var length = 1; length < good.Length; length += Math.Max(1, good.Length / 60))
            yield return Whole($"cut-at-{length}", good[..length], "no zip archive");
        yield return Whole("no-arrays", Tests.Npz.Of(), "found 0");
        yield return Whole("no-y", Tests.Npz.Of(("x.npy", x)), "expected one array y");
        yield return Whole("other-names", Tests.Npz.Of(($"{Secret}.npy", x), ("labels.npy", y)), "expected one array x");
        yield return Whole("x-twice", Tests.Npz.Of(("x.npy", x), ("x.npy", x), ("y.npy", y)), "found 2");
        for (var length = 0; length < x.Length; length += 3)
            yield return Whole($"x-cut-at-{length}", Tests.Npz.Of(("x.npy", x[..length]), ("y.npy", y)), "x.npy");
        for (var length = 0; length < y.Length; length += 7)
            yield return Whole($"y-cut-at-{length}", Tests.Npz.Of(CompressionLevel.NoCompression, ("x.npy", x), ("y.npy", y[..length])), "y.npy");
        yield return Whole("x-goes-on", Tests.Npz.Of(("x.npy", [.. x, 0]), ("y.npy", y)), "its shape asks for");
        yield return X("magic", [.. "NUMPY!"u8, .. x[6..]], "no array of NumPy");
        yield return X("pickle", [0x80, 4, .. new byte[200]], "no array of NumPy");
        yield return X("version-9", Tests.Npz.Array("<f4", "4, 2", new byte[32], version: 9), "version");
        yield return X("huge-header", [0x93, .. "NUMPY"u8, 2, 0, 0xff, 0xff, 0xff, 0x7f], "header of 2,147,483,647 bytes");
        yield return X("no-header", Tests.Npz.WithHeader(Secret, new byte[32]), "header that cannot be read");
        yield return X("records", Tests.Npz.WithHeader($"{{'descr': [('{Secret}', '<f4')], 'fortran_order': False, 'shape': (4, 2), }}", new byte[32]), "header that cannot be read");
        yield return X("objects", Tests.Npz.Array("|O8", "4, 2", new byte[64]), "does not hold plain numbers");
        yield return X("text", Tests.Npz.Array("<U4", "4, 2", new byte[128]), "does not hold plain numbers");
        yield return X("complex", Tests.Npz.Array("<c8", "4, 2", new byte[64]), "does not hold plain numbers");
        yield return X("dates", Tests.Npz.Array("<M8", "4, 2", new byte[64]), "does not hold plain numbers");
        yield return X("big-endian", Tests.Npz.Array(">f4", "4, 2", new byte[32]), "big-endian");
        yield return X("fortran", Tests.Npz.Array("<f4", "4, 2", new byte[32], fortran: "True"), "Fortran order");
        yield return X("huge", Tests.Npz.Array("<f8", "1000000000, 1000000000", new byte[64]), "its shape asks for 8,000,000,000,000,000,128");
        yield return X("huge-beyond-int64", Tests.Npz.Array("<f8", "99999999999999999999, 99999999999999999999", new byte[64]), "far more");
        yield return X("huge-and-empty", Tests.Npz.Array("<f4", "0, 99999999999", []), "impossible size");
        yield return X("negative", Tests.Npz.Array("<f4", "-4, 2", new byte[32]), "header that cannot be read");
        yield return X("no-rows", Tests.Npz.Array("<f4", "0, 2", []), "no rows of features");
        yield return X("no-features", Tests.Npz.Array("<f4", "4, 0", []), "no rows of features");
        yield return X("scalar", Tests.Npz.Array("<f4", "", new byte[4]), "no rows of features");
        yield return X("vector", Tests.Npz.Array("<f4", "4,", new byte[16]), "no rows of features");
        yield return X("wide", Tests.Npz.Array("|u1", "1, 300000", new byte[300_000]), "300,000 features a row");
        yield return X("nan", Tests.Npz.Floats("4, 2", 1, 2, 3, 4, float.NaN, 6, 7, 8), "row 2, counted from 0");
        yield return X("infinity-in-float32", Tests.Npz.Array("<f8", "4, 2", System.Runtime.InteropServices.MemoryMarshal.AsBytes<double>(new double[] { 1, 1e300, 0, 0, 0, 0, 0, 0 })), "row 0, counted from 0");
        yield return Y("floats", Tests.Npz.Floats("4,", 0, 1, 0, 1), "does not hold integers");
        yield return Y("one-hot", Tests.Npz.Longs("4, 2", 1, 0, 0, 1, 1, 0, 0, 1), "more than one label");
        yield return Y("scalar", Tests.Npz.Longs("", 1), "more than one label");
        yield return Y("fewer", Tests.Npz.Longs("3,", 0, 1, 0), "3 labels, but x.npy has 4 rows");
        yield return Y("one-class", Tests.Npz.Longs("4,", 7, 7, 7, 7), "all 4 rows have the same label");

        Broken X(string name, byte[] array, string expected) => Whole($"x-{name}", Tests.Npz.Of(("x.npy", array), ("y.npy", y)), expected);
        Broken Y(string name, byte[] array, string expected) => Whole($"y-{name}", Tests.Npz.Of(("x.npy", x), ("y.npy", array)), expected);
    }

    /// <summary>Enough for a split and a mini-batch.</summary>
    private static string Rows => string.Concat(Enumerable.Range(0, 60).Select(i => $"{i},{i % 7},{(i % 2 == 0 ? 'x' : 'y')}\n"));

    private static Broken Of(string name, string content, int line, int column, string expected) =>
        Of(name, Encoding.UTF8.GetBytes(content), line, column, expected);

    private static Broken Of(string name, byte[] content, int line, int column, string expected) => new(name, "csv", content, line, column, expected);

    private static Broken Whole(string name, byte[] content, string expected) => new(name, "npz", content, 0, 0, expected);
}

using System.Security.Cryptography;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>
/// Splits comma-separated text (RFC 4180, UTF-8) into records of fields with their positions. Holds one record at a time.
/// </summary>
/// <param name="hash">Receives every byte that is read.</param>
internal sealed class CsvText(Stream stream, IncrementalHash hash)
{
    private const int MostFieldBytes = 1 << 16;
    private const int End = -1;

    private readonly byte[] _buffer = new byte[1 << 16];
    private readonly List<(int Start, int Line, int Column)> _fields = [];
    private byte[] _record = new byte[1 << 12];
    private int _filled;
    private int _at;
    private int _length;
    private int _line = 1;
    private int _column = 1;
    private bool _begun;

    /// <summary>The number of fields in the current record.</summary>
    public int Count => _fields.Count;

    /// <summary>The line on which the current record begins.</summary>
    public int Line { get; private set; }

    /// <summary>The content of a field without its quotes, valid until the next record is read.</summary>
    public ReadOnlySpan<byte> this[int field] =>
        _record.AsSpan(_fields[field].Start..(field + 1 < _fields.Count ? _fields[field + 1].Start : _length));

    public (int Line, int Column) PlaceOf(int field) => (_fields[field].Line, _fields[field].Column);

    /// <summary>Reads the next record. False at the end of the text.</summary>
    /// <exception cref="DataFileException">The text is not valid CSV.</exception>
    public bool Read()
    {
        if (!_begun)
            Begin();
        _fields.Clear();
        _length = 0;
        Line = _line;
        if (Peek() == End)
            return false;
        while (true)
        {
            if (_fields.Count > DataTable.MostFeatures)
                throw new DataFileException(_line, _column, $"more than {DataTable.MostFeatures:N0} columns");
            _fields.Add((_length, _line, _column));
            if (Peek() == '"')
                ReadQuoted();
            else
                ReadPlain();
            switch (Next())
            {
                case ',':
                    continue;
                case '\r':
                    if (Next() != '\n')
                        throw new DataFileException(Line, 1, "a line ends with a carriage return alone; save the file with line feeds");
                    break;
            }
            return true;
        }
    }

    private void Begin()
    {
        _begun = true;
        Fill();
        ReadOnlySpan<byte> start = _buffer.AsSpan(0, _filled);
        if (start.StartsWith((ReadOnlySpan<byte>)[0xff, 0xfe]) || start.StartsWith((ReadOnlySpan<byte>)[0xfe, 0xff]))
            throw new DataFileException(1, 1, "this is UTF-16 text; save the file as UTF-8");
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]))
            throw new DataFileException("this file is compressed with gzip; unpack it with gunzip and name the unpacked file");
        if (start.StartsWith("PK\x03\x04"u8))
            throw new DataFileException("this is a zip archive, such as a spreadsheet or an npz file; save the table as CSV, or write dataset: npz for arrays of NumPy");
        if (start.StartsWith((ReadOnlySpan<byte>)[0xef, 0xbb, 0xbf]))
            _at = 3;
    }

    private void ReadPlain()
    {
        while (Peek() is not (',' or '\n' or '\r' or End) and var next)
        {
            if (next == '"')
                throw new DataFileException(_line, _column, "a quote inside a field without quotes; put the whole field in quotes, and each quote in it twice");
            Keep((byte)Next());
        }
    }

    private void ReadQuoted()
    {
        var (_, line, column) = _fields[^1];
        Next();
        while (true)
        {
            switch (Next())
            {
                case End:
                    throw new DataFileException(line, column, "this quote is not closed");
                case '"' when Peek() != '"':
                    if (Peek() is not (',' or '\n' or '\r' or End))
                        throw new DataFileException(_line, _column, "text after a closing quote; expected a comma or the end of the line");
                    return;
                case '"':
                    Next();
                    Keep((byte)'"');
                    break;
                case var other:
                    Keep((byte)other);
                    break;
            }
        }
    }

    private void Keep(byte value)
    {
        var (start, line, column) = _fields[^1];
        if (value == 0)
            throw new DataFileException(_line, Math.Max(1, _column - 1), "a null character; is this a text file?");
        if (_length - start == MostFieldBytes)
            throw new DataFileException(line, column, $"a field of more than {MostFieldBytes:N0} bytes; is a quote not closed?");
        if (_length == _record.Length)
            Array.Resize(ref _record, 2 * _record.Length);
        _record[_length++] = value;
    }

    private int Peek()
    {
        if (_at == _filled)
            Fill();
        return _at < _filled ? _buffer[_at] : End;
    }

    private int Next()
    {
        var next = Peek();
        if (next == End)
            return End;
        _at++;
        if (next == '\n')
            (_line, _column) = (_line + 1, 1);
        else if ((next & 0xc0) != 0x80)
            _column++;
        return next;
    }

    private void Fill()
    {
        _at = 0;
        _filled = stream.Read(_buffer);
        hash.AppendData(_buffer, 0, _filled);
    }
}

using System.Text;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>The last bytes of a log, however long it grows.</summary>
internal sealed class LogTail(int limit)
{
    private readonly byte[] _ring = new byte[limit];
    private long _written;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _written += Math.Max(0, bytes.Length - limit);
        foreach (var one in bytes.Length > limit ? bytes[^limit..] : bytes)
            _ring[_written++ % limit] = one;
    }

    /// <summary>The text; a character that is cut off at the beginning is left out.</summary>
    public override string ToString()
    {
        var length = (int)Math.Min(_written, limit);
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = _ring[(_written - length + i) % limit];
        var start = 0;
        while (_written > limit && start < Math.Min(3, length) && (bytes[start] & 0xC0) == 0x80)
            start++;
        // No store accepts a null character in a text.
        return Encoding.UTF8.GetString(bytes.AsSpan(start)).Replace('\0', '\uFFFD');
    }
}

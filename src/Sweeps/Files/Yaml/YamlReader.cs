using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace DeepTrain.Cluster.Sweeps.Files.Yaml;

/// <summary>
/// Reads one YAML document into nodes with positions. Aliases share the node that they name, so nested aliases use no extra memory.
/// </summary>
internal sealed class YamlReader
{
    private const int MaximumDepth = 32;
    private const int MaximumNodes = 100_000;

    private readonly Parser _parser;
    private readonly string[] _lines;
    private readonly Dictionary<AnchorName, (YamlNode Node, int Size)> _anchors = [];
    private int _nodes;

    private YamlReader(string text) => (_parser, _lines) = (new(new StringReader(text)), text.Split('\n'));

    /// <summary>The root of the document. Null, with the first problem reported, if the text is not one document of plain YAML.</summary>
    public static YamlNode? Read(string text, Problems problems)
    {
        var reader = new YamlReader(text);
        try
        {
            return reader.ReadDocument();
        }
        catch (YamlException broken)
        {
            problems.Error(reader.At(broken.Start), "", broken is Refusal ? broken.Message : $"this is not YAML: {broken.Message}");
        }
        // The parser throws other exceptions where a list is not closed, and on unusual bytes.
        catch (Exception broken) when (broken is InvalidOperationException or ArgumentException or IndexOutOfRangeException or EndOfStreamException)
        {
            var last = reader._parser.Current is { } read ? reader.At(read.Start) : Place.Start;
            problems.Error(last, "", "this is not YAML from here on; is a bracket, brace or quote not closed?");
        }

        return null;
    }

    /// <summary>Corrects the parser's positions, which may lie beyond the text or count line breaks that editors do not count.</summary>
    private Place At(Mark mark)
    {
        var line = (int)Math.Clamp(mark.Line, 1, _lines.Length);
        return new(line, mark.Line > line ? _lines[line - 1].Length + 1 : (int)Math.Clamp(mark.Column, 1, _lines[line - 1].Length + 1));
    }

    private static Refusal Refuse(ParsingEvent where, string message) => new(where.Start, where.End, message);

    private YamlNode ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out var end))
            throw Refuse(end, "the file is empty; expected at least the keys name, dataset and network");
        _parser.Consume<DocumentStart>();
        var root = ReadNode(depth: 1);
        _parser.Consume<DocumentEnd>();
        return _parser.Accept<DocumentStart>(out var second)
            ? throw Refuse(second, "a second document starts here; expected one sweep a file")
            : root;
    }

    private YamlNode ReadNode(int depth)
    {
        var before = _nodes;
        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            if (!_anchors.TryGetValue(alias.Value, out var named))
                throw Refuse(alias, $"the alias *{alias.Value} names no anchor before it");
            Count(alias, named.Size);
            return named.Node with { Place = At(alias.Start) };
        }

        // In some invalid texts the parser closes a mapping after a key without a value.
        if (!_parser.Accept<NodeEvent>(out var start))
            throw Refuse(_parser.Current!, "expected a value before this");
        if (!start.Tag.IsEmpty)
            throw Refuse(start, $"tags such as {start.Tag} are not supported; remove it");
        if (depth > MaximumDepth)
            throw Refuse(start, $"lists and mappings nest deeper than {MaximumDepth} levels");
        Count(start, 1);
        YamlNode node = start switch
        {
            Scalar scalar => ReadScalar(scalar),
            SequenceStart => ReadList(depth),
            _ => ReadMap(depth),
        };
        if (!start.Anchor.IsEmpty)
            _anchors[start.Anchor] = (node, _nodes - before);
        return node;
    }

    private YamlScalar ReadScalar(Scalar scalar)
    {
        _parser.MoveNext();
        return new(At(scalar.Start), scalar.Value, scalar.Style == ScalarStyle.Plain);
    }

    private YamlList ReadList(int depth)
    {
        var start = _parser.Consume<SequenceStart>();
        var items = ImmutableArray.CreateBuilder<YamlNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
            items.Add(ReadNode(depth + 1));
        return new(At(start.Start), items.ToImmutable());
    }

    private YamlMap ReadMap(int depth)
    {
        var start = _parser.Consume<MappingStart>();
        var entries = ImmutableArray.CreateBuilder<(YamlNode, YamlNode)>();
        while (!_parser.TryConsume<MappingEnd>(out _))
            entries.Add((ReadNode(depth + 1), ReadNode(depth + 1)));
        return new(At(start.Start), entries.ToImmutable());
    }

    private void Count(ParsingEvent where, int nodes)
    {
        _nodes = checked(_nodes + nodes);
        if (_nodes > MaximumNodes)
            throw Refuse(where, $"the file holds more than {MaximumNodes:N0} values, its aliases written out");
    }

    /// <summary>Reports valid YAML that a sweep file may not contain.</summary>
    private sealed class Refusal(in Mark start, in Mark end, string message) : YamlException(start, end, message);
}

namespace Mahavishnu.Ingest;

/// <summary>
/// Reads a text line by line and says of each line how well one can cut before it and what it declares. Heuristics on single lines, no parser: a wrong
/// guess moves a cut and never loses a line.
/// </summary>
internal sealed class Outline
{
    private const int LongestSymbol = 120;
    private const int TabWidth = 4;

    // Deeper declarations are local to a body.
    private const int DeepestMember = 8;

    private Structure _structure;
    private bool _afterBlank;
    private bool _inFence;
    private int _leadingFrom;
    private int _containerIndent;
    private string? _container;

    /// <summary>Starts a new text.</summary>
    public void Begin(Structure structure)
    {
        (_structure, _afterBlank, _inFence) = (structure, false, false);
        (_leadingFrom, _containerIndent, _container) = (-1, 0, null);
    }

    /// <param name="line">The line without the blanks at its end.</param>
    /// <param name="next">The text after the line.</param>
    /// <param name="index">The caller's number for this line.</param>
    /// <param name="cut">How well one can cut before line <paramref name="from"/>.</param>
    /// <param name="symbol">What the line declares or the heading it is.</param>
    /// <param name="from">This line, or the first of the comments and attributes above it that belong to it.</param>
    public void Read(ReadOnlySpan<char> line, ReadOnlySpan<char> next, int index, out Cut cut, out string? symbol, out int from)
    {
        (cut, symbol, from) = (Cut.Line, null, index);
        var trimmed = line.TrimStart();
        if (trimmed.IsEmpty)
        {
            _afterBlank = !_inFence;
            _leadingFrom = -1;
            return;
        }

        var declared = Declared(trimmed, Indent(line), next, out var name);
        cut = declared > Cut.Line ? declared : _afterBlank ? Cut.Paragraph : Cut.Line;
        _afterBlank = false;
        if (declared >= Cut.Member)
        {
            from = _leadingFrom >= 0 ? _leadingFrom : index;
            symbol = name.IsEmpty ? null : Named(name, Indent(line));
            _leadingFrom = -1;
        }
        else
        {
            _leadingFrom = !IsLeading(trimmed) ? -1 : _leadingFrom >= 0 ? _leadingFrom : index;
        }
    }

    private Cut Declared(ReadOnlySpan<char> line, int indent, ReadOnlySpan<char> next, out ReadOnlySpan<char> name)
    {
        name = default;
        return _structure switch
        {
            Structure.Braces => Code(line, indent, shapes: true, out name),
            Structure.Keywords => Code(line, indent, shapes: false, out name),
            Structure.Markdown => Markdown(line, indent, next, out name),
            Structure.ReStructured => Markups.Underlined(line, indent, next, out name),
            Structure.Sql => Markups.Sql(line, indent, _afterBlank, out name),
            Structure.Yaml => Markups.Yaml(line, indent, out name),
            Structure.Sections => Markups.Section(line, out name),
            Structure.Styles => Markups.Style(line, indent, out name),
            Structure.Markup => Markups.Tag(line, out name),
            Structure.Data => indent <= 2 && line[0] is not ('}' or ']') ? Cut.Paragraph : Cut.Line,
            _ => Cut.Line,
        };
    }

    private Cut Code(ReadOnlySpan<char> line, int indent, bool shapes, out ReadOnlySpan<char> name)
    {
        name = default;
        if (indent > DeepestMember || !Declarations.TryRead(line, shapes, out name, out var isContainer))
        {
            return Cut.Line;
        }

        if (isContainer || (_container is not null && indent <= _containerIndent))
        {
            (_container, _containerIndent) = (isContainer ? name.ToString() : null, indent);
        }

        return indent == 0 || (isContainer && indent <= TabWidth) ? Cut.Section : Cut.Member;
    }

    private Cut Markdown(ReadOnlySpan<char> line, int indent, ReadOnlySpan<char> next, out ReadOnlySpan<char> name)
    {
        name = default;
        if (line.StartsWith("```") || line.StartsWith("~~~"))
        {
            _inFence = !_inFence;
            return Cut.Line;
        }

        return _inFence || indent > 3 ? Cut.Line : Markups.Heading(line, next, out name);
    }

    // A method is named with its type: Parser.Read
    private string Named(ReadOnlySpan<char> name, int indent)
    {
        name = name.Length > LongestSymbol ? name[..LongestSymbol] : name;
        return _container is not null && indent > _containerIndent && _structure is Structure.Braces or Structure.Keywords && !name.SequenceEqual(_container)
            ? $"{_container}.{name}"
            : name.ToString();
    }

    private bool IsLeading(ReadOnlySpan<char> line) => _structure switch
    {
        Structure.Braces => line[0] is '/' or '*' or '@' or '[' or '#' || line.StartsWith("template"),
        Structure.Keywords => line[0] is '#' or '@' or '%' || line.StartsWith("--") || line.StartsWith("//"),
        Structure.Sql => line.StartsWith("--") || line[0] is '/' or '*',
        Structure.Yaml or Structure.Sections => line[0] is '#' or ';',
        Structure.Styles => line[0] is '/' or '*',
        Structure.Markup => line.StartsWith("<!--"),
        Structure.ReStructured => line.Length > 3 && line.Trim(line[0]).IsEmpty,
        _ => false,
    };

    private static int Indent(ReadOnlySpan<char> line)
    {
        var columns = 0;
        foreach (var c in line)
        {
            if (c is not (' ' or '\t'))
            {
                break;
            }

            columns += c == '\t' ? TabWidth : 1;
        }

        return columns;
    }
}

namespace Mahavishnu.Ingest;

/// <summary>Places to cut in documents, data and styles: headings, keys, sections, statements and tags.</summary>
internal static class Markups
{
    /// <summary><c>## Heading</c>, or a line underlined with = or -.</summary>
    public static Cut Heading(ReadOnlySpan<char> line, ReadOnlySpan<char> next, out ReadOnlySpan<char> name)
    {
        var level = line.IndexOfAnyExcept('#');
        if (level is >= 1 and <= 6 && line[level] is ' ' or '\t')
        {
            name = line[level..].Trim().TrimEnd('#').TrimEnd();
            return level <= 2 ? Cut.Section : Cut.Member;
        }

        name = line;
        return line[0] is not ('|' or '>' or '-' or '*' or '=') && Underline(next) is '=' or '-' ? Cut.Section : Cut.Line;
    }

    /// <summary>A title underlined at its whole length, at the margin.</summary>
    public static Cut Underlined(ReadOnlySpan<char> line, int indent, ReadOnlySpan<char> next, out ReadOnlySpan<char> name)
    {
        name = line;
        var mark = indent == 0 && !line.Trim(line[0]).IsEmpty ? Underline(next) : '\0';
        return mark == '\0' || Line(next).Length < line.Length ? Cut.Line : mark is '=' or '-' or '#' or '*' ? Cut.Section : Cut.Member;
    }

    /// <summary>A statement at the margin; what makes or changes something is named.</summary>
    public static Cut Sql(ReadOnlySpan<char> line, int indent, bool afterBlank, out ReadOnlySpan<char> name)
    {
        name = default;
        if (indent > 0 || !char.IsAsciiLetter(line[0]))
        {
            return Cut.Line;
        }

        if (!Starts(line, "create ") && !Starts(line, "alter "))
        {
            return afterBlank ? Cut.Member : Cut.Line;
        }

        // create or replace function public.words(text)  create unique index if not exists x on …
        foreach (var kind in (ReadOnlySpan<string>)["table ", "view ", "function ", "procedure ", "index ", "trigger ", "type ", "schema ", "extension ", "policy ", "role "])
        {
            if (line.IndexOf(kind, StringComparison.OrdinalIgnoreCase) is >= 0 and var at)
            {
                name = line[(at + kind.Length)..].TrimStart();
                name = Starts(name, "if not exists ") ? name[14..].TrimStart() : Starts(name, "if exists ") ? name[10..].TrimStart() : name;
                name = name.IndexOfAny(" (;") is >= 0 and var end ? name[..end] : name;
                break;
            }
        }

        return Cut.Section;
    }

    /// <summary>A key at the margin, or the beginning of a document.</summary>
    public static Cut Yaml(ReadOnlySpan<char> line, int indent, out ReadOnlySpan<char> name)
    {
        name = default;
        if (line.StartsWith("---") && indent == 0)
        {
            return Cut.Section;
        }

        var colon = line.IndexOf(':');
        if (colon <= 0 || line[0] is '#' or '-')
        {
            return indent == 0 && line[0] == '-' ? Cut.Paragraph : Cut.Line;
        }

        name = line[..colon].Trim('"');
        return indent == 0 ? Cut.Member : indent <= 4 ? Cut.Paragraph : Cut.Line;
    }

    /// <summary><c>[section]</c></summary>
    public static Cut Section(ReadOnlySpan<char> line, out ReadOnlySpan<char> name)
    {
        name = line.Trim("[]");
        return line[0] == '[' && line.IndexOf(']') > 1 && line[^1] != ',' ? Cut.Section : Cut.Line;
    }

    /// <summary>A rule that opens at the margin.</summary>
    public static Cut Style(ReadOnlySpan<char> line, int indent, out ReadOnlySpan<char> name)
    {
        name = line.TrimEnd('{').TrimEnd();
        return indent == 0 && line[^1] == '{' ? Cut.Member : Cut.Line;
    }

    /// <summary>A heading's tag is named by its text; other blocks only offer a place to cut.</summary>
    public static Cut Tag(ReadOnlySpan<char> line, out ReadOnlySpan<char> name)
    {
        name = default;
        if (line.Length < 3 || line[0] != '<' || !char.IsAsciiLetter(line[1]))
        {
            return Cut.Line;
        }

        var tag = line[1..];
        tag = tag.IndexOfAny(" >/") is >= 0 and var end ? tag[..end] : tag;
        if (tag.Length == 2 && tag[0] is 'h' or 'H' && tag[1] is >= '1' and <= '6')
        {
            var text = line[(line.IndexOf('>') + 1)..];
            name = text.IndexOf('<') is >= 0 and var close ? text[..close].Trim() : text;
            return tag[1] <= '2' ? Cut.Section : Cut.Member;
        }

        foreach (var block in (ReadOnlySpan<string>)["section", "article", "main", "body", "table", "template", "script", "style", "form", "nav", "p", "div", "ul", "ol", "pre"])
        {
            if (tag.Equals(block, StringComparison.OrdinalIgnoreCase))
            {
                return Cut.Paragraph;
            }
        }

        return Cut.Line;
    }

    // '\0' unless the text begins with a line of at least three times the same mark.
    private static char Underline(ReadOnlySpan<char> text)
    {
        var line = Line(text);
        return line.Length >= 3 && (char.IsPunctuation(line[0]) || char.IsSymbol(line[0])) && line.Trim(line[0]).IsEmpty ? line[0] : '\0';
    }

    private static ReadOnlySpan<char> Line(ReadOnlySpan<char> text) => (text.IndexOf('\n') is >= 0 and var end ? text[..end] : text).TrimEnd();

    private static bool Starts(ReadOnlySpan<char> line, string word) => line.StartsWith(word, StringComparison.OrdinalIgnoreCase);
}

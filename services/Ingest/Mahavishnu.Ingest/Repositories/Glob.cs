namespace Mahavishnu.Ingest;

/// <summary>
/// One pattern in the language of <c>.gitignore</c>, which is also that of include and exclude: <c>*</c>, <c>?</c> and <c>[a-z]</c> stay within a name, <c>**</c>
/// spans folders, a pattern without a slash (but at its end) matches at any depth, a slash at the end asks for a folder, <c>!</c> takes back.
/// </summary>
/// <remarks>Matching takes time in proportion to pattern × path at worst: a hostile pattern cannot stop a server.</remarks>
internal sealed class Glob
{
    private readonly string[] _segments;
    private readonly bool _anywhere;

    private Glob(string[] segments, bool anywhere, bool negated, bool foldersOnly)
    {
        (_segments, _anywhere, Negated, FoldersOnly) = (segments, anywhere, negated, foldersOnly);
    }

    public bool Negated { get; }

    public bool FoldersOnly { get; }

    /// <summary>Null for a blank line, a comment, or a pattern of nothing but slashes.</summary>
    public static Glob? Parse(ReadOnlySpan<char> line)
    {
        line = TrimEnd(line);
        if (line.IsEmpty || line[0] == '#')
        {
            return null;
        }

        var negated = line[0] == '!';
        line = negated ? line[1..] : line;
        var foldersOnly = line.EndsWith("/");
        line = foldersOnly ? line[..^1] : line;
        var anywhere = !line.Contains('/');
        line = line.StartsWith("/") ? line[1..] : line;
        return line.Trim('/').IsEmpty ? null : new Glob(line.ToString().Split('/'), anywhere, negated, foldersOnly);
    }

    /// <summary>Whether the pattern speaks of this path, which is relative to the pattern's folder and has <c>/</c> between names.</summary>
    public bool Matches(ReadOnlySpan<char> path, bool isFolder)
    {
        if (FoldersOnly && !isFolder)
        {
            return false;
        }

        if (_anywhere)
        {
            return MatchesName(_segments[0], path[(path.LastIndexOf('/') + 1)..]);
        }

        var depth = path.Count('/') + 1;
        Span<Range> names = depth <= 64 ? stackalloc Range[depth] : new Range[depth];
        path.Split(names, '/');
        return MatchesPath(path, names);
    }

    private bool MatchesPath(ReadOnlySpan<char> path, ReadOnlySpan<Range> names)
    {
        int at = 0, name = 0, star = -1, starName = 0;
        while (name < names.Length)
        {
            if (at < _segments.Length && _segments[at] is "**")
            {
                // At the end it means everything inside, so there must be something.
                if (at == _segments.Length - 1)
                {
                    return true;
                }

                (star, starName) = (at++, name);
            }
            else if (at < _segments.Length && MatchesName(_segments[at], path[names[name]]))
            {
                at++;
                name++;
            }
            else if (star >= 0)
            {
                (at, name) = (star + 1, ++starName);
            }
            else
            {
                return false;
            }
        }

        return at == _segments.Length;
    }

    private static bool MatchesName(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        int at = 0, i = 0, star = -1, starName = 0;
        while (i < name.Length)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                (star, starName) = (++at, i);
            }
            else if (at < pattern.Length && MatchesOne(pattern, ref at, name[i]))
            {
                i++;
            }
            else if (star >= 0)
            {
                (at, i) = (star, ++starName);
            }
            else
            {
                return false;
            }
        }

        return pattern[at..].Trim('*').IsEmpty;
    }

    private static bool MatchesOne(ReadOnlySpan<char> pattern, ref int at, char c)
    {
        switch (pattern[at])
        {
            case '?':
                at++;
                return true;
            case '[':
                return MatchesClass(pattern, ref at, c);
            case '\\' when at + 1 < pattern.Length:
                at += 2;
                return pattern[at - 1] == c;
            default:
                return pattern[at++] == c;
        }
    }

    // [abc] [a-z] [!abc] [^abc] []abc]; a class that never ends matches nothing.
    private static bool MatchesClass(ReadOnlySpan<char> pattern, ref int at, char c)
    {
        var i = at + 1;
        var inverted = i < pattern.Length && pattern[i] is '!' or '^';
        i += inverted ? 1 : 0;
        var found = false;
        for (var first = i; i < pattern.Length && (pattern[i] != ']' || i == first); i++)
        {
            i += pattern[i] == '\\' && i + 1 < pattern.Length ? 1 : 0;
            var low = pattern[i];
            var high = low;
            if (i + 2 < pattern.Length && pattern[i + 1] == '-' && pattern[i + 2] != ']')
            {
                i += 2;
                i += pattern[i] == '\\' && i + 1 < pattern.Length ? 1 : 0;
                high = pattern[i];
            }

            found |= c >= low && c <= high;
        }

        if (i >= pattern.Length)
        {
            return false;
        }

        at = i + 1;
        return found != inverted;
    }

    private static ReadOnlySpan<char> TrimEnd(ReadOnlySpan<char> line)
    {
        line = line.TrimEnd('\r');
        while (line.EndsWith(" ") && !line.EndsWith("\\ "))
        {
            line = line[..^1];
        }

        return line;
    }
}

using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest;

/// <summary>What stands between marks in a text.</summary>
/// <param name="Blocks">How many there are.</param>
/// <param name="Bodies">Those of a length that an insight may have, trimmed, in order.</param>
internal sealed record MarkedText(int Blocks, IReadOnlyList<string> Bodies)
{
    public int RefusedByLength => Blocks - Bodies.Count;
}

/// <summary>
/// Finds the blocks that assistants mark as insights. A mark has a line to itself; five dashes (U+2500) or more are one, with or without the backticks around it:
/// <code>
/// `★ Insight ─────────────────────────────────────`
/// Rows are locked in the order of their ids, or two batches deadlock.
/// `─────────────────────────────────────────────────`
/// </code>
/// What stands in a fenced code block is an example of a block, and none. One pass over the lines, whatever they hold.
/// </summary>
internal static class InsightBlocks
{
    private const string Opening = "★ Insight ";
    private const char Dash = '─';
    private const int LeastDashes = 5;
    private const int LeastFence = 3;

    /// <summary>Whether a text may have a block: what spares nearly every message a second look.</summary>
    public static bool MayHave(string text) => text.Contains(Opening, StringComparison.Ordinal);

    public static MarkedText Find(string text)
    {
        if (!MayHave(text))
        {
            return new MarkedText(0, []);
        }

        var lines = text.Split('\n');
        var blocks = Blocks(lines).ToList();
        List<string> bodies = [.. blocks.Select(b => b.Body).Where(b => b.Length is >= InsightLimits.LeastContent and <= InsightLimits.MostContent)];
        return new MarkedText(blocks.Count, bodies);
    }

    /// <summary>The text without its blocks.</summary>
    public static string Without(string text)
    {
        if (!MayHave(text))
        {
            return text;
        }

        var lines = text.Split('\n');
        var left = new List<string>(lines.Length);
        var next = 0;
        foreach (var (first, last, _) in Blocks(lines))
        {
            left.AddRange(lines[next..first]);
            next = last + 1;
        }

        left.AddRange(lines[next..]);
        return string.Join('\n', left);
    }

    /// <summary>The lines of each block's marks, and what stands between them, trimmed.</summary>
    private static IEnumerable<(int First, int Last, string Body)> Blocks(string[] lines)
    {
        var fenced = Fenced(lines);
        (int Line, string Body, bool Ticked)? open = null;
        for (var i = 0; i < lines.Length; i++)
        {
            if (fenced[i])
            {
                continue;
            }

            // A block that is opened again before it ends begins there.
            if (Opens(lines[i]) is { } mark)
            {
                open = (i, mark.Body, mark.Ticked);
            }
            else if (open is { } block && Closes(lines[i], block.Ticked))
            {
                yield return (block.Line, i, string.Join('\n', lines[(block.Line + 1)..i].Prepend(block.Body)).Trim());
                open = null;
            }
        }
    }

    private static (string Body, bool Ticked)? Opens(string line)
    {
        var rest = line.AsSpan().TrimStart(" \t");
        var ticked = rest.StartsWith("`");
        rest = ticked ? rest[1..] : rest;
        if (!rest.StartsWith(Opening))
        {
            return null;
        }

        rest = rest[Opening.Length..];
        var dashes = Dashes(rest);
        if (dashes < LeastDashes)
        {
            return null;
        }

        rest = rest[dashes..];
        // The backtick that ends the mark is no part of what it marks.
        return ((ticked && rest.StartsWith("`") ? rest[1..] : rest).ToString(), ticked);
    }

    private static bool Closes(string line, bool ticked)
    {
        var rest = line.AsSpan().Trim();
        if (ticked)
        {
            if (!rest.StartsWith("`"))
            {
                return false;
            }

            rest = rest[1..];
        }

        var dashes = Dashes(rest);
        return dashes >= LeastDashes && rest[dashes..] is [] or ['`'] && (dashes < rest.Length ? ticked : true);
    }

    private static int Dashes(ReadOnlySpan<char> text)
    {
        var other = text.IndexOfAnyExcept(Dash);
        return other < 0 ? text.Length : other;
    }

    /// <summary>The lines within fences of three backticks or tildes and more. A fence that is never closed is none.</summary>
    private static bool[] Fenced(string[] lines)
    {
        var fenced = new bool[lines.Length];
        (int Line, char Sign, int Length)? open = null;
        for (var i = 0; i < lines.Length; i++)
        {
            if (Fence(lines[i]) is not { } fence)
            {
                continue;
            }

            if (open is not { } begun)
            {
                open = (i, fence.Sign, fence.Length);
            }
            else if (fence.Bare && fence.Sign == begun.Sign && fence.Length >= begun.Length)
            {
                Array.Fill(fenced, true, begun.Line, i - begun.Line + 1);
                open = null;
            }
        }

        return fenced;
    }

    private static (char Sign, int Length, bool Bare)? Fence(string line)
    {
        var rest = line.AsSpan().Trim();
        if (rest is not ['`' or '~', ..])
        {
            return null;
        }

        var sign = rest[0];
        var length = rest.IndexOfAnyExcept(sign) is >= 0 and var other ? other : rest.Length;
        return length < LeastFence || sign == '`' && rest[length..].Contains('`') ? null : (sign, length, length == rest.Length);
    }
}

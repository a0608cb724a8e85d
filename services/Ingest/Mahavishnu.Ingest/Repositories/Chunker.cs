using Mahavishnu.Embeddings;

namespace Mahavishnu.Ingest;

/// <summary>
/// A piece of a text: <c>text[Start..End]</c>, of which the first <paramref name="Overlap"/> characters also end the piece before. Lines count from 1, the last
/// included. <paramref name="Symbol"/> is the declaration or heading it begins in.
/// </summary>
internal readonly record struct Chunk(int Ordinal, int Start, int End, int Overlap, int FirstLine, int LastLine, string? Symbol);

/// <summary>How good a place a line's beginning is to cut before it.</summary>
internal enum Cut : byte
{
    InsideLine,
    Line,
    Paragraph,
    Member,
    Section,
}

/// <summary>
/// Cuts a text into chunks of at most so many tokens: before sections and members first, then between paragraphs, then between lines, inside a line only
/// when the line alone is too long. Small neighbours stay together until the chunk is worth having.
/// </summary>
/// <remarks>Without their overlaps the chunks joined are the text, and no chunk exceeds the limit, its overlap included.</remarks>
internal sealed class Chunker
{
    // A list of constants declares hundreds; its first say what it is.
    private const int MostSymbols = 32;

    private readonly int _room;
    private readonly int _overlap;
    private readonly List<Piece> _pieces = [];
    private readonly Outline _outline = new();

    /// <param name="maxTokens">Most tokens of a chunk, at least 16.</param>
    /// <param name="overlapTokens">Most tokens repeated from the chunk before, at most half of <paramref name="maxTokens"/>.</param>
    public Chunker(int maxTokens = 1_024, int overlapTokens = 20)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 16);
        ArgumentOutOfRangeException.ThrowIfNegative(overlapTokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(overlapTokens, maxTokens / 2);
        _overlap = overlapTokens;
        _room = maxTokens - overlapTokens;
    }

    /// <summary>The chunks in order; none for a text without a visible character. Not for several threads at once.</summary>
    public List<Chunk> Split(ReadOnlySpan<char> text, Structure structure)
    {
        var chunks = new List<Chunk>();
        if (text.IsWhiteSpace())
        {
            return chunks;
        }

        ReadPieces(text, structure);
        var prose = structure is Structure.Prose or Structure.Markdown or Structure.ReStructured;
        int first = 0, tokens = 0;
        for (var i = 0; i < _pieces.Count; i++)
        {
            var piece = _pieces[i];
            if (i > first && tokens >= WorthHaving(piece.Cut, prose))
            {
                Add(text, chunks, first, i);
                (first, tokens) = (i, 0);
            }

            while (tokens + piece.Tokens > _room)
            {
                var cut = BestCut(first, i);
                Add(text, chunks, first, cut);
                first = cut;
                tokens = TokensOf(first, i);
            }

            tokens += piece.Tokens;
        }

        // A last line or two is no chunk of its own if the one before has room.
        if (chunks.Count > 0 && tokens < _room / 8 && TokensOf(chunks[^1]) + tokens <= _room)
        {
            first = FirstPieceOf(chunks[^1]);
            chunks.RemoveAt(chunks.Count - 1);
        }

        Add(text, chunks, first, _pieces.Count);
        return chunks;
    }

    private int WorthHaving(Cut cut, bool prose) => cut switch
    {
        Cut.Section => _room / 8,
        Cut.Member => _room / 4,
        Cut.Paragraph when prose => _room / 2,
        _ => int.MaxValue,
    };

    // The best place in the last three quarters, the last of equals; before piece `end` at the latest, as there is no room for it.
    private int BestCut(int first, int end)
    {
        var best = end;
        var bestCut = _pieces[end].Cut;
        var tokens = TokensOf(first, end);
        for (var i = end - 1; i > first; i--)
        {
            tokens -= _pieces[i].Tokens;
            if (tokens < _room / 4)
            {
                break;
            }

            if (_pieces[i].Cut > bestCut)
            {
                (best, bestCut) = (i, _pieces[i].Cut);
            }
        }

        return best;
    }

    private void Add(ReadOnlySpan<char> text, List<Chunk> chunks, int first, int end)
    {
        var start = _pieces[first].Start;
        var stop = end < _pieces.Count ? _pieces[end].Start : text.Length;
        var overlap = chunks.Count == 0 ? 0 : Overlap(text, chunks[^1], first);
        var body = text[(start - overlap)..stop];
        var firstLine = _pieces[first].Line - text[(start - overlap)..start].Count('\n');
        var lastLine = firstLine + body.Count('\n') - (body[^1] == '\n' ? 1 : 0);
        chunks.Add(new Chunk(chunks.Count, start - overlap, stop, overlap, firstLine, lastLine, SymbolOf(first, end)));
    }

    // Whole lines of the chunk before if there is room for one that says something, else its last words.
    private int Overlap(ReadOnlySpan<char> text, Chunk before, int first)
    {
        if (_overlap == 0)
        {
            return 0;
        }

        var tokens = 0;
        var from = first;
        while (from > 0 && _pieces[from].Cut != Cut.InsideLine && _pieces[from - 1].Start >= before.Start && tokens + _pieces[from - 1].Tokens <= _overlap)
        {
            tokens += _pieces[--from].Tokens;
        }

        var lines = text[_pieces[from].Start..before.End];
        if (!lines.IsWhiteSpace())
        {
            return lines.Length;
        }

        // One less, as a word cut in two can count one more than its halves.
        var tail = text[Math.Max(before.Start, before.End - (_overlap * 8))..before.End];
        for (var blank = tail.IndexOf(' '); blank >= 0; blank = tail.IndexOf(' '))
        {
            tail = tail[(blank + 1)..];
            if (TokenCounter.Count(tail) < _overlap)
            {
                return tail.Length;
            }
        }

        return 0;
    }

    // A chunk that begins with a declaration is named for its first; one that begins in the middle, for what it is in the middle of.
    private string? SymbolOf(int first, int end)
    {
        if (first > 0 && _pieces[first].Cut < Cut.Member)
        {
            for (var i = first - 1; i >= 0; i--)
            {
                if (_pieces[i].Symbol is { } around)
                {
                    return around;
                }
            }
        }

        for (var i = first; i < end; i++)
        {
            if (_pieces[i].Symbol is { } symbol)
            {
                return symbol;
            }
        }

        return null;
    }

    /// <summary>What a chunk of the latest text declares, in order.</summary>
    public IReadOnlyList<string> DeclaredIn(Chunk chunk) =>
        [.. _pieces.Where(p => p.Symbol is not null && p.Start >= chunk.Start + chunk.Overlap && p.Start < chunk.End).Select(p => p.Symbol!).Distinct(StringComparer.Ordinal).Take(MostSymbols)];

    private void ReadPieces(ReadOnlySpan<char> text, Structure structure)
    {
        _pieces.Clear();
        _outline.Begin(structure);
        var number = 1;
        for (var start = 0; start < text.Length; number++)
        {
            var newLine = text[start..].IndexOf('\n');
            var end = newLine < 0 ? text.Length : start + newLine + 1;
            var line = text[start..end];
            var tokens = TokenCounter.Count(line);
            var next = end < text.Length ? text[end..] : default;
            _outline.Read(line.TrimEnd(), next, _pieces.Count, out var cut, out var symbol, out var from);
            _pieces.Add(new Piece(start, tokens, number, cut, symbol));
            if (from < _pieces.Count - 1)
            {
                MoveCut(from, cut);
            }

            if (tokens > _room)
            {
                CutLine(line, start, number);
            }

            start = end;
        }
    }

    // Comments and attributes above a declaration go with it.
    private void MoveCut(int to, Cut cut)
    {
        _pieces[^1] = _pieces[^1] with { Cut = Cut.Line };
        _pieces[to] = _pieces[to] with { Cut = cut };
    }

    private void CutLine(ReadOnlySpan<char> line, int start, int number)
    {
        var whole = _pieces[^1];
        _pieces.RemoveAt(_pieces.Count - 1);
        for (var at = 0; at < line.Length;)
        {
            // One token less than there is room for: two halves joined again can count one more than each for itself.
            var length = TextParts.NextLength(line[at..], _room - 2, TokenMeter.Approximate);
            var piece = new Piece(start + at, TokenCounter.Count(line.Slice(at, length)) + 1, number, Cut.InsideLine, null);
            _pieces.Add(at == 0 ? piece with { Cut = whole.Cut, Symbol = whole.Symbol } : piece);
            at += length;
        }
    }

    private int TokensOf(int first, int end)
    {
        var tokens = 0;
        for (var i = first; i < end; i++)
        {
            tokens += _pieces[i].Tokens;
        }

        return tokens;
    }

    private int TokensOf(Chunk chunk)
    {
        var first = FirstPieceOf(chunk);
        var end = first;
        while (end < _pieces.Count && _pieces[end].Start < chunk.End)
        {
            end++;
        }

        return TokensOf(first, end);
    }

    private int FirstPieceOf(Chunk chunk) => _pieces.FindIndex(p => p.Start == chunk.Start + chunk.Overlap);

    private readonly record struct Piece(int Start, int Tokens, int Line, Cut Cut, string? Symbol);
}

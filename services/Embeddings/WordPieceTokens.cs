using System.Collections.Frozen;
using System.Globalization;

namespace Mahavishnu.Embeddings;

/// <summary>
/// Counts the tokens of BERT's kind of model from its own vocabulary: a text is words between blanks, each mark of punctuation and each Chinese character
/// a word of its own; a word is cut, from its beginning, into the longest pieces that the vocabulary has.
/// </summary>
/// <remarks>
/// As the server does it, and not as the original tokenizer: there, a word above 100 letters (a key, a line of base64) would be one token, here it is all of
/// its pieces. A word that cannot be spelled is one token to the server; here it counts one a character, as the server may fold letters that this does not.
/// </remarks>
internal sealed class WordPieceTokens : TokenMeter
{
    private const char WordStart = '\u2581';

    // Letters that look like a base letter with a mark, and are letters of their own.
    private const string Undivided = "ÆÐØÞßæðøþĐđĦħıĸŁłŊŋŒœŦŧς";

    // A base letter and its mark, which the server takes apart and drops the mark.
    private const string Marked = "йёїўѓќЙЁЇЎЃЌ";
    private const string Unmarked = "иеіугкиеіугк";

    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _beginnings;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _insides;
    private readonly int _longest;

    /// <param name="vocabulary">As the model's file has it: what begins a word is marked with U+2581, what goes on is not.</param>
    public WordPieceTokens(IEnumerable<string> vocabulary)
    {
        var tokens = vocabulary.Where(t => t.Length > 0).ToList();
        _beginnings = tokens.Where(t => t[0] == WordStart).Select(t => t[1..]).ToFrozenSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        _insides = tokens.Where(t => t[0] != WordStart).ToFrozenSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
        _longest = tokens.Select(t => t.Length).DefaultIfEmpty(1).Max();
    }

    private enum Part
    {
        Blank,
        Letter,
        Alone,
    }

    public override int Count(ReadOnlySpan<char> text) => Scan(text, int.MaxValue, out _);

    public override int LengthWithin(ReadOnlySpan<char> text, int maxTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        // No token is shorter than a character.
        if (text.Length <= maxTokens)
        {
            return text.Length;
        }

        Scan(text, maxTokens, out var length);
        return KeepPairs(text, length);
    }

    private int Scan(ReadOnlySpan<char> text, int limit, out int length)
    {
        var tokens = 0;
        Span<char> window = stackalloc char[Math.Min(_longest, 256)];
        for (var at = 0; at < text.Length;)
        {
            var part = Kind(text[at]);
            var end = at + 1;
            if (part == Part.Letter)
            {
                while (end < text.Length && Kind(text[end]) == Part.Letter)
                {
                    end++;
                }
            }

            var left = limit - tokens;
            var fits = 0;
            var cost = part == Part.Blank ? 0 : Pieces(text[at..end], window, left, out fits);
            if (cost > left)
            {
                length = at + fits;
                return limit;
            }

            tokens += cost;
            at = end;
        }

        length = text.Length;
        return tokens;
    }

    /// <param name="most">More than this is not counted to the end.</param>
    /// <param name="fits">Characters of the word that <paramref name="most"/> tokens hold.</param>
    private int Pieces(ReadOnlySpan<char> word, Span<char> window, int most, out int fits)
    {
        fits = 0;
        var pieces = 0;
        for (var at = 0; at < word.Length;)
        {
            var length = Math.Min(window.Length, word.Length - at);
            for (var i = 0; i < length; i++)
            {
                window[i] = Fold(word[at + i]);
            }

            var known = at == 0 ? _beginnings : _insides;
            while (length > 0 && !known.Contains(window[..length]))
            {
                length--;
            }

            if (length == 0)
            {
                fits = Math.Min(most, word.Length);
                return word.Length;
            }

            if (++pieces > most)
            {
                return pieces;
            }

            at += length;
            fits = at;
        }

        return pieces;
    }

    private static Part Kind(char c)
    {
        if (char.IsAsciiLetterOrDigit(c))
        {
            return Part.Letter;
        }

        if (char.IsAscii(c))
        {
            return char.IsWhiteSpace(c) || char.IsControl(c) ? Part.Blank : Part.Alone;
        }

        return char.GetUnicodeCategory(c) switch
        {
            UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.Control or UnicodeCategory.Format => Part.Blank,
            UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation or UnicodeCategory.ClosePunctuation
                or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation => Part.Alone,
            _ => c is >= '\u3400' and <= '\u4DBF' or >= '\u4E00' and <= '\u9FFF' or >= '\uF900' and <= '\uFAFF' ? Part.Alone : Part.Letter,
        };
    }

    private static char Fold(char c)
    {
        if (char.IsAscii(c))
        {
            return char.ToLowerInvariant(c);
        }

        return Undivided.Contains(c, StringComparison.Ordinal) ? char.ToLowerInvariant(c)
            : Marked.IndexOf(c, StringComparison.Ordinal) is >= 0 and var at ? Unmarked[at]
            : Characters.Fold(c);
    }
}

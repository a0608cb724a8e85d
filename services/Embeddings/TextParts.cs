namespace Mahavishnu.Embeddings;

/// <summary>A text longer than a model's input, in parts that fit: each becomes a vector of its own.</summary>
public static class TextParts
{
    /// <summary>
    /// The text itself when it has at most <paramref name="maxTokens"/> tokens (of <paramref name="tokens"/>), else its parts in order. Joined they are the
    /// text again. A cut is made in the last quarter of what fits, after the best of: a blank line, a line, a sentence, a word; else where the room ends.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTokens"/> is below 1.</exception>
    public static IReadOnlyList<string> Split(string text, int maxTokens, TokenMeter tokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(tokens);
        var fits = tokens.LengthWithin(text, maxTokens);
        if (fits == text.Length)
        {
            return [text];
        }

        var parts = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var length = NextLength(text.AsSpan(start), maxTokens, tokens);
            parts.Add(text.Substring(start, length));
            start += length;
        }

        return parts;
    }

    /// <summary>How many characters the next part takes from the beginning of a text; all of them when the text fits.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTokens"/> is below 1.</exception>
    public static int NextLength(ReadOnlySpan<char> text, int maxTokens, TokenMeter tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        var length = tokens.LengthWithin(text, maxTokens);
        return length < text.Length ? Cut(text[..length]) : length;
    }

    private static int Cut(ReadOnlySpan<char> fits)
    {
        var from = fits.Length * 3 / 4;
        var window = fits[from..];
        foreach (var end in (ReadOnlySpan<string>)["\n\n", "\n", ". ", "。", " "])
        {
            if (window.LastIndexOf(end, StringComparison.Ordinal) is >= 0 and var at)
            {
                return from + at + end.Length;
            }
        }

        return fits.Length;
    }
}

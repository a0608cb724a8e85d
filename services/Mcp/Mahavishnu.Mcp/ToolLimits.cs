using System.Text;

namespace Mahavishnu.Mcp;

/// <summary>How much of the stored text an answer may carry.</summary>
internal static class ToolLimits
{
    public const int LeastTokens = 200;
    public const int MostTokens = 100_000;

    // Prose has about four bytes a token, code three, scripts beyond Latin three bytes a character: three never promises too much.
    private const int BytesPerToken = 3;

    private const string More = "…";

    /// <summary>An excerpt shorter than this says nothing.</summary>
    private const int LeastExcerpt = 120;

    /// <summary>How many texts of any length <see cref="Share"/> leaves none out of.</summary>
    public static int Fitting(int maxTokens, int overhead) => Math.Max(1, maxTokens * BytesPerToken / (overhead + LeastExcerpt));

    /// <summary>
    /// Shares the room among texts in their order: what a short one leaves is the next one's. A text that does not fit is cut; the last ones are left out
    /// where too little remains to say anything.
    /// </summary>
    /// <param name="overhead">Bytes that each one takes besides its text.</param>
    public static IReadOnlyList<Excerpt> Share(IReadOnlyList<string> texts, int maxTokens, int overhead)
    {
        var excerpts = new List<Excerpt>();
        var left = maxTokens * BytesPerToken;
        foreach (var (i, text) in texts.Index())
        {
            var share = left / (texts.Count - i) - overhead;
            // The first one is always said: an answer without any is no answer.
            if (share < LeastExcerpt && left - overhead < LeastExcerpt && i > 0)
            {
                break;
            }

            var excerpt = Cut(text, Math.Max(share, LeastExcerpt));
            excerpts.Add(excerpt);
            left -= overhead + Encoding.UTF8.GetByteCount(excerpt.Text);
        }

        return excerpts;
    }

    /// <summary>The whole text where it fits, else its beginning.</summary>
    public static Excerpt Whole(string text, int maxTokens) => Cut(text, maxTokens * BytesPerToken);

    /// <summary>At most so many bytes of a text, on one line.</summary>
    public static string Beginning(string text, int bytes) => Cut(text.ReplaceLineEndings(" "), bytes).Text;

    private static Excerpt Cut(string text, int bytes)
    {
        if (text.Length <= bytes / 3 || Encoding.UTF8.GetByteCount(text) <= bytes)
        {
            return new Excerpt(text, WasCut: false);
        }

        var at = 0;
        bytes -= Encoding.UTF8.GetByteCount(More);
        foreach (var rune in text.EnumerateRunes())
        {
            bytes -= rune.Utf8SequenceLength;
            if (bytes < 0)
            {
                break;
            }

            at += rune.Utf16SequenceLength;
        }

        return new Excerpt(text[..at] + More, WasCut: true);
    }
}

/// <summary>A text, or its beginning.</summary>
internal readonly record struct Excerpt(string Text, bool WasCut);

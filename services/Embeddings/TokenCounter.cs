namespace Mahavishnu.Embeddings;

/// <summary>
/// Counts tokens without any model's vocabulary. One token is: up to six letters of one word (of one part of a camelCase name), up to three digits,
/// any other visible character, one character of a script written without spaces, or a line break. Blanks between words are free, each further
/// sixteen in a row are one token.
/// </summary>
/// <remarks>
/// On source code and manuals the count is about 1.3 times that of a byte-pair vocabulary of 100,000 entries, so a model's limit kept by this count is kept
/// with room to spare. It is deterministic, allocates nothing, never exceeds the number of characters, and is additive at line breaks: the count of a text
/// is the sum of its lines' counts (each with its break).
/// </remarks>
public static class TokenCounter
{
    private const int LettersPerToken = 6;
    private const int DigitsPerToken = 3;
    private const int BlanksPerToken = 16;

    private enum Run : byte
    {
        None,
        Letters,
        Capitals,
        Digits,
        Blanks,
    }

    /// <summary>The number of tokens in the text.</summary>
    public static int Count(ReadOnlySpan<char> text) => Scan(text, int.MaxValue, out _);

    /// <summary>
    /// The length of the longest beginning of the text that has at most <paramref name="maxTokens"/> tokens and does not cut a surrogate pair.
    /// At least one character (or pair) of a text that is not empty, as each step must get further.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTokens"/> is below 1.</exception>
    public static int LengthWithin(ReadOnlySpan<char> text, int maxTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxTokens, 1);
        if (text.Length <= maxTokens)
        {
            return text.Length;
        }

        Scan(text, maxTokens, out var length);
        return TokenMeter.KeepPairs(text, length);
    }

    private static int Scan(ReadOnlySpan<char> text, int limit, out int length)
    {
        var tokens = 0;
        var run = Run.None;
        var inRun = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            var next = Characters.Kind(c) switch
            {
                CharacterKind.Lower or CharacterKind.Mark => Run.Letters,
                CharacterKind.Upper => Run.Capitals,
                CharacterKind.Digit => Run.Digits,
                CharacterKind.Separator when c is ' ' or '\t' or '\r' or '\u00A0' => Run.Blanks,
                _ => Run.None,
            };
            int cost;
            if (next == Run.None)
            {
                cost = 1;
                inRun = 0;
            }
            else if (next == run || (next == Run.Letters && run == Run.Capitals))
            {
                inRun++;
                cost = StartsToken(next, inRun) ? 1 : 0;
            }
            else
            {
                inRun = 0;
                cost = next == Run.Blanks ? 0 : 1;
            }

            run = next;
            if (tokens + cost > limit)
            {
                length = i;
                return tokens;
            }

            tokens += cost;
        }

        length = text.Length;
        return tokens;
    }

    private static bool StartsToken(Run run, int at) => run switch
    {
        Run.Digits => at % DigitsPerToken == 0,
        Run.Blanks => at % BlanksPerToken == 0,
        _ => at % LettersPerToken == 0,
    };
}

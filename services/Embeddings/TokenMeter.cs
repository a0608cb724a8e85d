namespace Mahavishnu.Embeddings;

/// <summary>Counts the tokens of a text as a model does.</summary>
public abstract class TokenMeter
{
    /// <summary>The conservative count for models whose vocabulary is not known: <see cref="TokenCounter"/>.</summary>
    public static TokenMeter Approximate { get; } = new ApproximateMeter();

    /// <summary>The number of tokens in the text, without the model's special ones.</summary>
    public abstract int Count(ReadOnlySpan<char> text);

    /// <summary>The length of the longest beginning that has at most <paramref name="maxTokens"/> tokens and cuts no surrogate pair; at least one character of a text that is not empty.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTokens"/> is below 1.</exception>
    public abstract int LengthWithin(ReadOnlySpan<char> text, int maxTokens);

    /// <summary>A length of the text that does not end between the halves of a surrogate pair; never 0 for a length that was not.</summary>
    internal static int KeepPairs(ReadOnlySpan<char> text, int length) =>
        length > 0 && length < text.Length && char.IsHighSurrogate(text[length - 1]) && char.IsLowSurrogate(text[length]) ? length + (length == 1 ? 1 : -1) : length;

    private sealed class ApproximateMeter : TokenMeter
    {
        public override int Count(ReadOnlySpan<char> text) => TokenCounter.Count(text);

        public override int LengthWithin(ReadOnlySpan<char> text, int maxTokens) => TokenCounter.LengthWithin(text, maxTokens);
    }
}

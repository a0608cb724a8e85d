namespace Mahavishnu.Embeddings;

/// <summary>What an embedding space must know about the model that fills it: vectors of two different descriptions are never compared.</summary>
/// <param name="Model">The model's name, e.g. <c>builtin-hash-v1</c>.</param>
/// <param name="Digest">Lower-case SHA-256 of what the model computes: it differs whenever the vectors differ.</param>
/// <param name="Dimensions">Length of each vector.</param>
/// <param name="Distance"><c>cosine</c>, <c>l2</c> or <c>ip</c> (inner product).</param>
/// <param name="PrefixProfile">Which words the model wants before a text, e.g. <c>none</c>.</param>
public sealed record EmbeddingModelInfo(string Model, string Digest, int Dimensions, string Distance, string PrefixProfile)
{
    /// <summary>The longest text the model takes at once, in tokens of <see cref="TokenCounter"/>; a longer one goes through <see cref="TextParts"/>.</summary>
    public int MaxInputTokens { get; init; } = 2_048;
}

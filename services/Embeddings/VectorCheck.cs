using System.Numerics.Tensors;
using Mahavishnu.Contracts;

namespace Mahavishnu.Embeddings;

/// <summary>Why there is no vector.</summary>
/// <param name="Reason">One of <see cref="EmbeddingReasons"/>.</param>
/// <param name="Error">The same in a sentence.</param>
public sealed record EmbeddingFault(string Reason, string Error);

/// <summary>What a vector must be to be stored as halves and found again.</summary>
public static class VectorCheck
{
    /// <summary>Looks at a vector.</summary>
    /// <param name="dimensions">Its length in the space.</param>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    public static EmbeddingFault? Fault(ReadOnlySpan<float> vector, int dimensions)
    {
        if (vector.Length != dimensions)
        {
            return new(EmbeddingReasons.WrongDimensions, $"The model gave a vector of {vector.Length} dimensions; the space has {dimensions}.");
        }

        // NaN is found too: it wins every comparison of magnitudes.
        var largest = (Half)TensorPrimitives.MaxMagnitude(vector);
        if (!Half.IsFinite(largest))
        {
            return new(EmbeddingReasons.NotFinite, "The model gave a vector with an infinite or undefined number.");
        }

        // Zero is near to nothing and in no index; what rounds to zero becomes it.
        return largest == Half.Zero ? new(EmbeddingReasons.ZeroVector, "The model gave a vector of zeros.") : null;
    }
}

using System.Numerics.Tensors;

namespace Mahavishnu.Ingest;

/// <summary>What a vector must be to be stored as halves and found again.</summary>
internal static class VectorCheck
{
    /// <returns>What is wrong with the first bad one, for the dead-letter list; null when all are good.</returns>
    public static string? Fault(IReadOnlyList<ReadOnlyMemory<float>> vectors, int dimensions)
    {
        if (vectors.Count is 0 or > short.MaxValue)
        {
            return $"The text has {vectors.Count} parts; 1 to {short.MaxValue} can be stored.";
        }

        foreach (var vector in vectors)
        {
            if (Fault(vector.Span, dimensions) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private static string? Fault(ReadOnlySpan<float> vector, int dimensions)
    {
        if (vector.Length != dimensions)
        {
            return $"The model gave a vector of {vector.Length} dimensions; the space has {dimensions}.";
        }

        // NaN is found too: it wins every comparison of magnitudes.
        var largest = TensorPrimitives.MaxMagnitude(vector);
        if (!Half.IsFinite((Half)largest))
        {
            return "The model gave a vector with an infinite or undefined number.";
        }

        // Zero is near to nothing and in no index; what rounds to zero becomes it.
        return (Half)largest == Half.Zero ? "The model gave a vector of zeros." : null;
    }
}

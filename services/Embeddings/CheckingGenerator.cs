using System.Numerics.Tensors;
using Mahavishnu.Contracts;
using Microsoft.Extensions.AI;

namespace Mahavishnu.Embeddings;

/// <summary>Lets through only answers that can be stored: as many vectors as texts, each of the space's length, finite and not zero also as halves.</summary>
internal sealed class CheckingGenerator(IEmbeddingGenerator<string, Embedding<float>> inner, EmbeddingModel model) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var texts = values as IReadOnlyCollection<string> ?? [.. values];
        var embeddings = await base.GenerateAsync(texts, options, cancellationToken);
        if (embeddings.Count != texts.Count)
        {
            throw new EmbeddingModelException(EmbeddingReasons.WrongCount, $"{texts.Count} texts went to {model.Model}, {embeddings.Count} vectors came back.");
        }

        foreach (var embedding in embeddings)
        {
            Check(embedding.Vector.Span);
        }

        return embeddings;
    }

    private void Check(ReadOnlySpan<float> vector)
    {
        if (vector.Length != model.Dimensions)
        {
            throw new EmbeddingModelException(EmbeddingReasons.WrongDimensions, $"{model.Model} gave a vector of {vector.Length} dimensions; the space has {model.Dimensions}.");
        }

        // NaN is found too: it wins every comparison of magnitudes.
        var largest = (Half)TensorPrimitives.MaxMagnitude(vector);
        if (!Half.IsFinite(largest))
        {
            throw new EmbeddingModelException(EmbeddingReasons.NotFinite, $"{model.Model} gave a vector with an infinite or undefined number.");
        }

        // Zero is near to nothing and in no index; what rounds to zero becomes it.
        if (largest == Half.Zero)
        {
            throw new EmbeddingModelException(EmbeddingReasons.ZeroVector, $"{model.Model} gave a vector of zeros.");
        }
    }
}

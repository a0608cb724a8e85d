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
            if (VectorCheck.Fault(embedding.Vector.Span, model.Dimensions) is { } fault)
            {
                throw new EmbeddingModelException(fault.Reason, fault.Error);
            }
        }

        return embeddings;
    }
}

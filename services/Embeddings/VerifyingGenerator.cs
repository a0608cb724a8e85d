using Microsoft.Extensions.AI;

namespace Mahavishnu.Embeddings;

/// <summary>Gives an answer away only after it has asked whether the model was still the same: a vector that is kept must be of the model it is kept for.</summary>
internal sealed class VerifyingGenerator(IEmbeddingGenerator<string, Embedding<float>> inner, Func<CancellationToken, Task> verify)
    : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var embeddings = await base.GenerateAsync(values, options, cancellationToken);
        await verify(cancellationToken);
        return embeddings;
    }
}

using Microsoft.Extensions.AI;

namespace Mahavishnu.Embeddings;

/// <summary>Puts the words before every text that the model wants to see there.</summary>
internal sealed class PrefixGenerator(IEmbeddingGenerator<string, Embedding<float>> inner, string prefix) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    public override Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        base.GenerateAsync(prefix.Length == 0 ? values : values.Select(v => prefix + v), options, cancellationToken);
}

using Microsoft.Extensions.AI;
using Polly;

namespace Mahavishnu.Embeddings;

/// <summary>Makes calls as the pipeline wants (limit, repetition, circuit, time) and says what went wrong in our own words.</summary>
internal sealed class ResilientGenerator(
    IEmbeddingGenerator<string, Embedding<float>> inner, ResiliencePipeline pipeline, Func<Exception, EmbeddingModelException> translate)
    : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        // A repetition must not enumerate anew what somebody computes on the way.
        var texts = values as IReadOnlyList<string> ?? [.. values];
        try
        {
            return await pipeline.ExecuteAsync(async ct => await base.GenerateAsync(texts, options, ct), cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            throw translate(e);
        }
    }
}

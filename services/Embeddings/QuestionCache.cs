using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Memory;

namespace Mahavishnu.Embeddings;

/// <summary>Keeps the vectors of the latest questions: the same ones are asked again and again, by people and by evaluations. One a model.</summary>
internal sealed class QuestionCache(IEmbeddingGenerator<string, Embedding<float>> inner, int size, EmbeddingTelemetry telemetry)
    : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = size });

    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var texts = values as IReadOnlyList<string> ?? [.. values];
        var known = texts.Select(t => _cache.Get<Embedding<float>>(t)).ToList();
        var unknown = texts.Where((_, i) => known[i] is null).Distinct(StringComparer.Ordinal).ToList();
        var found = new Dictionary<string, Embedding<float>>(StringComparer.Ordinal);
        var answer = new GeneratedEmbeddings<Embedding<float>>();
        if (unknown.Count > 0)
        {
            var computed = await base.GenerateAsync(unknown, options, cancellationToken);
            (answer.Usage, answer.AdditionalProperties) = (computed.Usage, computed.AdditionalProperties);
            for (var i = 0; i < unknown.Count; i++)
            {
                found[unknown[i]] = computed[i];
                _cache.Set(unknown[i], computed[i], new MemoryCacheEntryOptions { Size = 1 });
            }
        }

        for (var i = 0; i < texts.Count; i++)
        {
            telemetry.Question(known[i] is not null);
            answer.Add(known[i] ?? found[texts[i]]);
        }

        return answer;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _cache.Dispose();
        }

        base.Dispose(disposing);
    }
}

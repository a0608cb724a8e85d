using Microsoft.Extensions.AI;

namespace Mahavishnu.Embeddings;

/// <summary>Cuts a call of many long texts into several: a model takes as long as there is text, and a call that takes too long is given up.</summary>
internal sealed class SlicingGenerator(IEmbeddingGenerator<string, Embedding<float>> inner, int charactersPerCall) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var all = new GeneratedEmbeddings<Embedding<float>>();
        foreach (var slice in Slices(values))
        {
            all.AddRange(await base.GenerateAsync(slice, options, cancellationToken));
        }

        return all;
    }

    private IEnumerable<List<string>> Slices(IEnumerable<string> values)
    {
        var slice = new List<string>();
        var characters = 0L;
        foreach (var value in values)
        {
            if (slice.Count > 0 && characters + value.Length > charactersPerCall)
            {
                yield return slice;
                (slice, characters) = ([], 0);
            }

            slice.Add(value);
            characters += value.Length;
        }

        if (slice.Count > 0)
        {
            yield return slice;
        }
    }
}

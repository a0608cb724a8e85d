using System.Runtime.CompilerServices;
using Mahavishnu.Contracts;
using OllamaSharp;
using OllamaSharp.Models;
using Polly;

namespace Mahavishnu.Embeddings;

/// <summary>What the server says of its models; every fault comes as an <see cref="EmbeddingModelException"/>.</summary>
internal sealed class OllamaApi(HttpClient http, EmbeddingSettings settings)
{
    private const string ProbeWord = "hello";

    /// <summary>The model as the server lists it.</summary>
    /// <returns>Null: it does not have it.</returns>
    public Task<OllamaModel?> FindAsync(string name, ResiliencePipeline pipeline, CancellationToken ct) => AskAsync(name, pipeline, async token =>
    {
        using var client = new OllamaApiClient(http);
        var models = await client.ListLocalModelsAsync(token) ?? throw OllamaErrors.NotOllama(settings, null);
        return models.Where(m => m.Name is not null && OllamaName.Same(m.Name, name)).Select(m => new OllamaModel(OllamaName.Short(m.Name), m.Digest)).FirstOrDefault();
    }, ct);

    /// <summary>What the model is made of.</summary>
    /// <param name="whole">With the vocabulary, which can be megabytes.</param>
    public Task<OllamaModelCard> ShowAsync(string name, bool whole, ResiliencePipeline pipeline, CancellationToken ct) => AskAsync(name, pipeline, async token =>
    {
        using var client = new OllamaApiClient(http);
        return OllamaModelCard.Read(await client.ShowModelAsync(new ShowModelRequest { Model = name, Verbose = whole ? true : null }, token));
    }, ct);

    /// <summary>The length of a vector that the model really gives.</summary>
    public Task<int> ProbeAsync(string name, ResiliencePipeline pipeline, CancellationToken ct) => AskAsync(name, pipeline, async token =>
    {
        using var client = new OllamaApiClient(http);
        var answer = await client.EmbedAsync(new EmbedRequest { Model = name, Input = [ProbeWord] }, token);
        return answer.Embeddings is [{ Length: > 0 } vector]
            ? vector.Length
            : throw new EmbeddingModelException(EmbeddingReasons.WrongCount, $"1 text went to {name}, {answer.Embeddings?.Count ?? 0} vectors came back.");
    }, ct);

    /// <summary>Downloads the model; each item says how far it is.</summary>
    public async IAsyncEnumerable<PullModelResponse> PullAsync(string name, [EnumeratorCancellation] CancellationToken ct)
    {
        using var client = new OllamaApiClient(http);
        await using var lines = client.PullModelAsync(name, ct).GetAsyncEnumerator(ct);
        while (true)
        {
            PullModelResponse? line;
            try
            {
                if (!await lines.MoveNextAsync())
                {
                    break;
                }

                line = lines.Current;
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                throw OllamaErrors.Translate(e, settings, name);
            }

            if (line is not null)
            {
                yield return line;
            }
        }
    }

    private async Task<T> AskAsync<T>(string name, ResiliencePipeline pipeline, Func<CancellationToken, Task<T>> ask, CancellationToken ct)
    {
        try
        {
            return await pipeline.ExecuteAsync(async token => await ask(token), ct);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            throw OllamaErrors.Translate(e, settings, name);
        }
    }
}

/// <summary>A model in the server's list.</summary>
internal sealed record OllamaModel(string Name, string Digest);

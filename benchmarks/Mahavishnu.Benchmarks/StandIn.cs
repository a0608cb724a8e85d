using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.OllamaStandIn;

namespace Mahavishnu.Benchmarks;

/// <summary>A server whose model is the stand-in for Ollama: it needs as long as we say, and counts who calls.</summary>
internal static class StandIn
{
    public const int TextsPerCall = 64;

    /// <param name="calls">Calls with documents that the server may make at a time.</param>
    /// <param name="of">The model; null: the usual one.</param>
    public static Dictionary<string, string?> Settings(OllamaServer model, int calls, StandInModel? of = null) => new(StringComparer.Ordinal)
    {
        ["Embedding:Provider"] = EmbeddingProviders.Ollama,
        ["Embedding:Ollama:Url"] = model.Url,
        ["Embedding:Model"] = (of ?? StandInModel.NomicEmbedText).Name,
        ["Embedding:Ollama:Concurrency"] = calls.ToString(CultureInfo.InvariantCulture),
        ["Embedding:TextsPerCall"] = TextsPerCall.ToString(CultureInfo.InvariantCulture),
    };

    public static async Task WriteAsync(BenchmarkServer server, string run, int count, CancellationToken ct)
    {
        var client = new MemoriesClient(server.Http);
        for (var first = 0; first < count; first += MemoryLimits.BatchItems)
        {
            await client.AddBatchAsync(Remarks.Make(run, Math.Min(MemoryLimits.BatchItems, count - first), first), ct: ct);
        }
    }
}

using System.Text.Json;
using OllamaSharp.Models;

namespace Mahavishnu.Embeddings;

/// <summary>What the server shows of a model, as far as it matters for embedding.</summary>
/// <param name="Embeds">Null: the server is too old to say.</param>
/// <param name="Dimensions">Null: not shown.</param>
/// <param name="ContextLength">Null: not shown.</param>
/// <param name="Tokenizer"><c>bert</c> is WordPiece.</param>
/// <param name="Vocabulary">As the model's file has it; empty unless asked for.</param>
internal sealed record OllamaModelCard(bool? Embeds, int? Dimensions, int? ContextLength, string? Tokenizer, IReadOnlyList<string> Vocabulary)
{
    // {"model_info":{"general.architecture":"nomic-bert","nomic-bert.context_length":2048,"nomic-bert.embedding_length":768,
    //  "tokenizer.ggml.model":"bert","tokenizer.ggml.tokens":["[PAD]",…]},"capabilities":["embedding"]}
    public static OllamaModelCard Read(ShowModelResponse shown)
    {
        var info = shown.Info?.ExtraInfo;
        var architecture = shown.Info?.Architecture;
        return new OllamaModelCard(
            shown.Capabilities is { Length: > 0 } can ? can.Contains("embedding", StringComparer.OrdinalIgnoreCase) : null,
            Number("embedding_length"),
            Number("context_length"),
            Entry("tokenizer.ggml.model") is { ValueKind: JsonValueKind.String } tokenizer ? tokenizer.GetString() : null,
            Entry("tokenizer.ggml.tokens") is { ValueKind: JsonValueKind.Array } tokens
                ? [.. tokens.EnumerateArray().Where(t => t.ValueKind == JsonValueKind.String).Select(t => t.GetString()!)]
                : []);

        int? Number(string what) => Entry($"{architecture}.{what}") is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var value) && value > 0 ? value : null;

        JsonElement? Entry(string key) => info is not null && info.TryGetValue(key, out var value) && value is JsonElement json ? json : null;
    }
}

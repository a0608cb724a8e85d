using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Embeddings;

/// <summary>How Ollama is called (section <c>Embedding:Ollama</c>; its address and the model are <see cref="EmbeddingSettings"/>).</summary>
internal sealed class OllamaOptions
{
    public const string Section = "Embedding:Ollama";

    /// <summary>Calls with documents at a time, over all models.</summary>
    [Range(1, 256)] public int Concurrency { get; set; } = 4;

    /// <summary>Calls with questions at a time, beside those: a search does not queue behind an ingestion.</summary>
    [Range(1, 256)] public int QuestionConcurrency { get; set; } = 8;

    /// <summary>Seconds that one call may take; the first one loads the model.</summary>
    [Range(0.1, 3_600)] public double TimeoutSeconds { get; set; } = 120;

    /// <summary>Times that a call is made again where the server did not answer or was too busy.</summary>
    [Range(0, 20)] public int Retries { get; set; } = 3;

    /// <summary>Seconds before the first repetition; doubles with each further one.</summary>
    [Range(0, 60)] public double RetrySeconds { get; set; } = 0.2;

    /// <summary>Seconds for which a server that did not answer again and again is left alone.</summary>
    [Range(0.5, 600)] public double BreakSeconds { get; set; } = 5;

    /// <summary>Characters of documents in one call, so that it ends well within its time even on a processor without help.</summary>
    [Range(1_000, 100_000_000)] public int CharactersPerCall { get; set; } = 131_072;
}

[OptionsValidator]
internal sealed partial class OllamaOptionsValidator : IValidateOptions<OllamaOptions>;

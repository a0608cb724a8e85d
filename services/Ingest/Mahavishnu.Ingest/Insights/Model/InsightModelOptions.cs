using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>The language model that reads messages for insights which nobody marked (section <c>Insights:Model</c>). Without a name there is none.</summary>
internal sealed class InsightModelOptions
{
    public const string Section = "Insights:Model";

    /// <summary>A model of Ollama that talks, e.g. <c>llama3.2</c>; none: no model is ever asked. It reads what is taken after a write (<see cref="InsightOptions.Extract"/>) and what a sweep with <c>useModel</c> asks for.</summary>
    public string? Name { get; set; }

    /// <summary>Where it answers; none: where Ollama answers for embeddings.</summary>
    [RegularExpression("https?://.+", ErrorMessage = "Insights:Model:Url must be an http(s) URL such as http://localhost:11434.")]
    public string? Url { get; set; }

    /// <summary>Seconds that one call may take; the first one loads the model.</summary>
    [Range(0.1, 3_600)] public double TimeoutSeconds { get; set; } = 120;

    /// <summary>Most messages of a session in one call.</summary>
    [Range(1, 100)] public int MessagesPerCall { get; set; } = 8;

    /// <summary>Most characters of messages in one call. Of a longer message the beginning and the end are read.</summary>
    [Range(1_000, 1_000_000)] public int CharactersPerCall { get; set; } = 12_000;

    /// <summary>Shorter messages are not read; what stands in marked blocks does not count.</summary>
    [Range(30, 100_000)] public int LeastCharacters { get; set; } = 200;

    /// <summary>The context that the model is given, in tokens (<c>num_ctx</c>): for the messages, about 700 of instructions, and the answer.</summary>
    [Range(2_048, 1_048_576)] public int ContextTokens { get; set; } = 8_192;

    /// <summary>Attempts at a message before it is given up. While the model is away or missing none counts.</summary>
    [Range(1, 100)] public int MaxAttempts { get; set; } = 5;

    /// <summary>Seconds before the second attempt; doubles with each further one, up to an hour. After a failure the model is left alone as long, up to five minutes.</summary>
    [Range(0.01, 3_600)] public double RetrySeconds { get; set; } = 30;

    /// <summary>Hours after which messages are given up while the model is away or missing.</summary>
    [Range(1, 87_600)] public int MaxWaitHours { get; set; } = 168;
}

[OptionsValidator]
internal sealed partial class InsightModelOptionsValidator : IValidateOptions<InsightModelOptions>;

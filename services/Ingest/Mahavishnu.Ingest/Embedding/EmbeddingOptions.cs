using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>How this process embeds what waits in the queue (section <c>Embedding</c>).</summary>
internal sealed class EmbeddingOptions
{
    public const string Section = "Embedding";

    /// <summary>Claims worked on at a time for each provider; default: one more than the model takes calls at a time, so that it never waits for the database. 0: this process embeds nothing and leaves it to others.</summary>
    [Range(0, 64)] public int? Workers { get; set; }

    /// <summary>Memories claimed together.</summary>
    [Range(1, 10_000)] public int ClaimItems { get; set; } = 256;

    /// <summary>Bytes of content claimed together (a longer memory is claimed alone): with <see cref="Workers"/> it bounds the memory used, however much waits.</summary>
    [Range(1, 256 * 1024 * 1024)] public long ClaimBytes { get; set; } = 1024 * 1024;

    /// <summary>Texts in one call of the model.</summary>
    [Range(1, 10_000)] public int TextsPerCall { get; set; } = 64;

    /// <summary>Vectors kept by their text, over all spaces, so that the same text is not embedded twice; 0: none. Only for models that are slower than looking up.</summary>
    [Range(0, 100_000_000)] public int CacheRows { get; set; } = 200_000;

    /// <summary>Seconds after which the work of a dead process is taken over. A living one renews it.</summary>
    [Range(1, 3_600)] public int LeaseSeconds { get; set; } = 30;

    /// <summary>Attempts before a memory goes to the dead-letter list.</summary>
    [Range(1, 100)] public int MaxAttempts { get; set; } = 5;

    /// <summary>Seconds before the second attempt; doubles with each further one.</summary>
    [Range(0, 3_600)] public double RetrySeconds { get; set; } = 5;

    /// <summary>Seconds between looks into an empty queue: what this process writes is seen at once, what others write only so.</summary>
    [Range(0.05, 60)] public double IdleSeconds { get; set; } = 1;
}

[OptionsValidator]
internal sealed partial class EmbeddingOptionsValidator : IValidateOptions<EmbeddingOptions>;

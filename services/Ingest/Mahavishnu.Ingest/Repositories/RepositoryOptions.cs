using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>The knobs of repository ingestion (section <c>Ingest:Repositories</c>). Which directories may be read is <c>Ingest:Roots</c>.</summary>
internal sealed class RepositoryOptions
{
    public const string Section = "Ingest:Repositories";

    /// <summary>Most tokens of a chunk, its overlap included.</summary>
    [Range(64, 8_192)] public int ChunkTokens { get; set; } = 1_024;

    /// <summary>Most tokens that a chunk repeats from the one before.</summary>
    [Range(0, 32)] public int OverlapTokens { get; set; } = 20;

    /// <summary>Larger files are skipped as <c>too_large</c>.</summary>
    [Range(1_024, 64 << 20)] public long MaxFileBytes { get; set; } = 1 << 20;

    /// <summary>Files that are selected in one repository; more fail the operation, as that is hardly what was meant.</summary>
    [Range(1, 1_000_000)] public int MaxFiles { get; set; } = 200_000;

    /// <summary>Chunks written in one transaction, as near as whole files allow.</summary>
    [Range(1, 10_000)] public int ChunksPerTransaction { get; set; } = 1_000;

    /// <summary>Transactions at the same time.</summary>
    [Range(1, 8)] public int Writers { get; set; } = 2;
}

[OptionsValidator]
internal sealed partial class RepositoryOptionsValidator : IValidateOptions<RepositoryOptions>;

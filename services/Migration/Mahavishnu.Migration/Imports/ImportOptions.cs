using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Migration;

/// <summary>The knobs of imports (section <c>Import</c>). Which directories may be read is <c>Ingest:Roots</c>.</summary>
internal sealed class ImportOptions
{
    public const string Section = "Import";

    /// <summary>Rows of a source table that share a transaction: what is read again at most after a crash.</summary>
    [Range(1, 10_000)] public int RowsPerTransaction { get; set; } = 1_000;

    /// <summary>Bytes of text that share a transaction (a longer row has one of its own); with it the memory of an import is bounded, whatever the size of its files.</summary>
    [Range(1_024, 64 << 20)] public int BytesPerTransaction { get; set; } = 4 << 20;

    /// <summary>Up to this size of its files an import is verified without being asked to.</summary>
    [Range(0, long.MaxValue)] public long VerifyBytes { get; set; } = 64 << 20;
}

[OptionsValidator]
internal sealed partial class ImportOptionsValidator : IValidateOptions<ImportOptions>;

using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>The knobs of the write side (section <c>Ingest</c>; which directories may be read is <see cref="ServiceDefaults.AllowedRoots"/>).</summary>
internal sealed class IngestOptions
{
    public const string Section = "Ingest";

    /// <summary>Memories of a batch that are written in one transaction: what is lost at most when the server dies in the middle of a batch, before its answer.</summary>
    [Range(1, 10_000)] public int RowsPerTransaction { get; set; } = 1_000;
}

[OptionsValidator]
internal sealed partial class IngestOptionsValidator : IValidateOptions<IngestOptions>;

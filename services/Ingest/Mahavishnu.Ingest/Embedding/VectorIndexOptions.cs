using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>When vectors get an index (section <c>VectorIndex</c>).</summary>
internal sealed class VectorIndexOptions
{
    public const string Section = "VectorIndex";

    /// <summary>Vectors from which an index pays; below it exact search is faster and complete.</summary>
    [Range(1, int.MaxValue)] public int FromRows { get; set; } = 5_000;

    /// <summary>Working memory of a build, as PostgreSQL writes it.</summary>
    [RegularExpression("[1-9][0-9]{0,8}(kB|MB|GB)", ErrorMessage = "VectorIndex:BuildMemory must be a size such as 512MB.")]
    public string BuildMemory { get; set; } = "512MB";

    /// <summary>Seconds between looks at whether an index is due or in the way.</summary>
    [Range(0.05, 3_600)] public double CheckSeconds { get; set; } = 2;

    /// <summary>Minutes until a build that failed or was cancelled is tried again.</summary>
    [Range(0, 100_000)] public double RetryMinutes { get; set; } = 10;
}

[OptionsValidator]
internal sealed partial class VectorIndexOptionsValidator : IValidateOptions<VectorIndexOptions>;

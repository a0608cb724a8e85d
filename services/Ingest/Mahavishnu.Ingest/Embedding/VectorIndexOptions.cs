using System.ComponentModel.DataAnnotations;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>When vectors get an index, and which (section <c>VectorIndex</c>).</summary>
internal sealed class VectorIndexOptions
{
    public const string Section = "VectorIndex";

    /// <summary>Kind of index for the spaces that were not given one of their own. A space of more than 2,000 dimensions gets <c>hnsw</c> instead of <c>hnsw-vector</c>.</summary>
    [RegularExpression("hnsw(-vector)?|ivfflat|none", ErrorMessage = "VectorIndex:Kind must be one of hnsw, hnsw-vector, ivfflat, none.")]
    public string Kind { get; set; } = VectorIndexKinds.Hnsw;

    /// <summary>Lists of an <c>ivfflat</c> index; it has fewer while there are fewer than 20 vectors for each.</summary>
    [Range(1, VectorIndexSpec.MostLists)] public int Lists { get; set; } = VectorIndexSpec.UsualLists;

    /// <summary>Lists of an <c>ivfflat</c> index that a search reads. Unset: the square root of those there are.</summary>
    [Range(1, VectorIndexSpec.MostLists)] public int? Probes { get; set; }

    /// <summary>Vectors from which an index pays; below it exact search is faster and complete.</summary>
    [Range(1, int.MaxValue)] public int FromRows { get; set; } = 5_000;

    /// <summary>Working memory of a build, as PostgreSQL writes it.</summary>
    [RegularExpression("[1-9][0-9]{0,8}(kB|MB|GB)", ErrorMessage = "VectorIndex:BuildMemory must be a size such as 512MB.")]
    public string BuildMemory { get; set; } = "512MB";

    /// <summary>Seconds between looks at whether an index is due or in the way.</summary>
    [Range(0.05, 3_600)] public double CheckSeconds { get; set; } = 2;

    /// <summary>Minutes until a build that failed or was cancelled is tried again.</summary>
    [Range(0, 100_000)] public double RetryMinutes { get; set; } = 10;

    /// <summary>What a space is to have: its own wish, else what the settings say.</summary>
    public VectorIndexSpec For(EmbeddingSpace space) => space.WantedIndex
        ?? Of(Kind == VectorIndexKinds.HnswVector && space.Dimensions > VectorIndexSpec.MostFullWidthDimensions ? VectorIndexKinds.Hnsw : Kind);

    /// <summary>An index of a kind, as far as the settings say the rest.</summary>
    public VectorIndexSpec Of(string kind) => kind == VectorIndexKinds.Ivfflat ? new VectorIndexSpec(kind, Lists, Probes) : new VectorIndexSpec(kind);
}

[OptionsValidator]
internal sealed partial class VectorIndexOptionsValidator : IValidateOptions<VectorIndexOptions>;

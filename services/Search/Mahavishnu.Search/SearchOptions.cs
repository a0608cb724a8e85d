using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Search;

/// <summary>How the two arms of a hybrid search become one list.</summary>
internal enum FusionKind
{
    /// <summary>Each arm's scores on one scale (standard deviations above the arm's worst candidate), weighed and added.</summary>
    Weighted,

    /// <summary>Reciprocal ranks: what counts is the place in each arm, not the distance between places.</summary>
    Rrf,
}

/// <summary>The knobs of the read side (section <c>Search</c>).</summary>
internal sealed class SearchOptions : IValidatableObject
{
    public const string Section = "Search";

    /// <summary>How the two arms of a hybrid search become one list: scores on one scale, or reciprocal ranks.</summary>
    [EnumDataType(typeof(FusionKind))] public FusionKind Fusion { get; set; } = FusionKind.Weighted;

    /// <summary>Reciprocal-rank constant: larger flattens the lead of the first ranks.</summary>
    [Range(1, 1_000)] public int RankConstant { get; set; } = 60;

    /// <summary>Share of the vector arm in weighted fusion, 0 to 1; the rest is the text arm's. Unset: 0.3 for the built-in model, 0.5 for others.</summary>
    [Range(0.0, 1.0)] public double? VectorWeight { get; set; }

    /// <summary>Embedding models whose spaces are to be fused otherwise, each as MODEL=SHARE (weighted, with that share of the vector arm, 0 to 1) or MODEL=rrf.</summary>
    public IList<string> Spaces { get; init; } = [];

    /// <summary>What the best adjacent turn lends of its score in a hybrid search.</summary>
    [Range(0.0, 1.0)] public double NeighbourShare { get; set; } = 0.4;

    /// <summary>What the best adjacent chunk of a file lends of its score in a hybrid search: less than a turn, as a function says what it does without the one before it.</summary>
    [Range(0.0, 1.0)] public double FileNeighbourShare { get; set; } = 0.1;

    /// <summary>Memories that each arm hands to the fusion, at least; never fewer than three times the limit.</summary>
    [Range(10, 1_000)] public int Candidates { get; set; } = 60;

    /// <summary>Matches that the text arm ranks in full; the choice among more is made by which of the question's words they have.</summary>
    [Range(50, 10_000)] public int RankedMatches { get; set; } = 400;

    /// <summary>Matches that the question's words may bring in together, rarest words first; words beyond that only add to the score of what the others found.</summary>
    [Range(1, 1_000_000)] public int ScannedMatches { get; set; } = 8_000;

    /// <summary>HNSW: how many neighbours a scan keeps in view. More finds more and takes longer.</summary>
    [Range(10, 1_000)] public int EfSearch { get; set; } = 100;

    /// <summary>Searches that the service has the database do at once; the others wait in line. Unset: two for each processor, four at least. A database on a machine of its own may take more.</summary>
    [Range(1, 1_000)] public int? Concurrency { get; set; }

    /// <summary>Seconds that a search waits for its turn before it is refused with 503.</summary>
    [Range(1, 600)] public int WaitSeconds { get; set; } = 10;

    /// <summary>While at least as many searches wait as are being answered: the share of <see cref="ScannedMatches"/> and <see cref="RankedMatches"/> that a hybrid search looks at, so that the line moves on. 1: all of it.</summary>
    [Range(0.01, 1.0)] public double CrowdedEffort { get; set; } = 0.05;

    /// <summary>Questions whose vectors are kept.</summary>
    [Range(0, 1_000_000)] public int CachedQuestions { get; set; } = 1_000;

    /// <summary>Milliseconds that a search waits for the question's vector before it goes on with words only.</summary>
    [Range(10, 600_000)] public int EmbeddingTimeoutMs { get; set; } = 3_000;

    /// <summary>Questions that were asked, kept to compare embedding spaces by: the latest so many. 0: none, and those that were kept are removed.</summary>
    [Range(0, 100_000)] public int SampledQueries { get; set; } = 500;

    /// <summary>Share of the searches whose question is kept, 0 to 1.</summary>
    [Range(0.0, 1.0)] public double SampleShare { get; set; } = 0.2;

    /// <summary>Questions that are counted, with how well they were answered: the latest so many. 0: none, and those that were kept are removed.</summary>
    [Range(0, 100_000)] public int AskedQuestions { get; set; } = 2_000;

    /// <summary>Days after which a question that was not asked again is forgotten.</summary>
    [Range(1, 3_650)] public int AskedDays { get; set; } = 90;

    /// <summary>Share of the searches by vector that are run again exactly, in the background, to know what the index finds. 0: none.</summary>
    [Range(0.0, 1.0)] public double RecallShare { get; set; } = 0.02;

    /// <summary>Share of what is nearest that the index should find; below it a warning says what to raise.</summary>
    [Range(0.0, 1.0)] public double RecallBound { get; set; } = 0.95;

    /// <summary>Every entry of <see cref="Spaces"/> says a model and what is to be done.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        from entry in Spaces
        where ModelFusion.Parse(entry) is null
        select new ValidationResult($"{Section}:{nameof(Spaces)} has '{entry}', which is neither MODEL=SHARE with a share from 0 to 1 nor MODEL=rrf.", [nameof(Spaces)]);
}

/// <summary>How the space of one model is fused.</summary>
/// <param name="VectorWeight">Null: by ranks.</param>
internal sealed record ModelFusion(string Model, double? VectorWeight)
{
    /// <returns>Null: neither MODEL=SHARE nor MODEL=rrf.</returns>
    public static ModelFusion? Parse(string entry)
    {
        var end = entry.LastIndexOf('=');
        if (end <= 0 || entry[..end].Trim() is not { Length: > 0 } model)
        {
            return null;
        }

        var how = entry[(end + 1)..].Trim();
        return string.Equals(how, "rrf", StringComparison.OrdinalIgnoreCase) ? new ModelFusion(model, null)
            : double.TryParse(how, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1 ? new ModelFusion(model, share)
            : null;
    }
}

[OptionsValidator]
internal sealed partial class SearchOptionsValidator : IValidateOptions<SearchOptions>;

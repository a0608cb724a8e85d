namespace Mahavishnu.Contracts;

/// <summary>Kinds of an index over a space's vectors.</summary>
public static class VectorIndexKinds
{
    /// <summary>A graph over half-precision vectors, as they are stored.</summary>
    public const string Hnsw = "hnsw";

    /// <summary>The same graph over full-width copies of them, up to 2,000 dimensions: twice the size.</summary>
    public const string HnswVector = "hnsw-vector";

    /// <summary>Lists of near vectors, of which a search reads some: quick to build.</summary>
    public const string Ivfflat = "ivfflat";

    /// <summary>No index: every vector in scope is compared.</summary>
    public const string None = "none";

    public static IReadOnlyList<string> All { get; } = [Hnsw, HnswVector, Ivfflat, None];
}

/// <summary>The index over a space's vectors.</summary>
/// <param name="Kind">One of <see cref="VectorIndexKinds"/>.</param>
/// <param name="Lists">Of <c>ivfflat</c>: lists it has; fewer than asked for while there are few vectors.</param>
/// <param name="Probes">Of <c>ivfflat</c>: lists that a search reads.</param>
/// <param name="Rows">Vectors in it when it was built.</param>
/// <param name="Bytes">Its size on disk.</param>
public sealed record VectorIndexInfo(string Kind, int? Lists, int? Probes, long? Rows, long Bytes, DateTimeOffset? BuiltAt);

/// <summary>Real searches that were run again exactly, the latest ones by the index that is there.</summary>
/// <param name="Recall">Share of the exact answers' memories that the index found.</param>
/// <param name="Searches">How many were run again.</param>
/// <param name="CutShort">Those to which the index brought fewer memories than there were.</param>
/// <param name="Advice">What to raise; null while the recall is as it should be, or too few were run again.</param>
public sealed record SpaceRecall(double Recall, int Searches, int CutShort, DateTimeOffset MeasuredAt, string? Advice);

/// <summary>Body of <c>POST /embeddings/{id}:index</c>; all optional.</summary>
public sealed record BuildIndexRequest
{
    /// <summary>One of <see cref="VectorIndexKinds"/>, from now on this space's; default: what it has been so far.</summary>
    public string? Kind { get; init; }

    /// <summary>Only of <c>ivfflat</c>: lists, 1 to 32,768; default as the settings say.</summary>
    public int? Lists { get; init; }

    /// <summary>Only of <c>ivfflat</c>: lists that a search reads, 1 to 32,768; default: the square root of the lists.</summary>
    public int? Probes { get; init; }
}

/// <summary>Result of an <c>index</c> operation.</summary>
/// <param name="Kind">What there is now, one of <see cref="VectorIndexKinds"/>.</param>
/// <param name="Note">What is yet to come, where it is not there yet.</param>
public sealed record IndexResult(int SpaceId, string Kind, int? Lists, int? Probes, long Vectors, long Bytes, double Seconds, string? Note);

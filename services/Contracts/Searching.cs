using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mahavishnu.Contracts;

/// <summary>The arms of a search.</summary>
public static class SearchModes
{
    public const string Hybrid = "hybrid";
    public const string Vector = "vector";
    public const string Text = "text";

    public static IReadOnlyList<string> All { get; } = [Hybrid, Vector, Text];
}

/// <summary>Body of <c>POST /search</c> and <c>POST /search/unified</c>: a question, or a memory to find more <see cref="Like"/>.</summary>
public sealed record SearchRequest
{
    /// <summary>Longest question, in characters.</summary>
    public const int MaxQueryLength = 8_000;
    public const int MaxLimit = 200;

    public string? Query { get; init; }

    /// <summary>Id of a memory whose neighbours are wanted.</summary>
    public string? Like { get; init; }

    /// <summary>One of <see cref="SearchModes"/>; default hybrid.</summary>
    public string? Mode { get; init; }
    public IReadOnlyList<string>? Types { get; init; }
    public IReadOnlyList<string>? Sources { get; init; }
    public string? ProjectId { get; init; }
    public string? RepoId { get; init; }
    public string? AgentId { get; init; }
    public string? WorkflowId { get; init; }
    public string? SessionId { get; init; }

    /// <summary>Every one of them must be on the memory.</summary>
    public IReadOnlyList<string>? Tags { get; init; }
    public DateTimeOffset? After { get; init; }
    public DateTimeOffset? Before { get; init; }

    /// <summary>The filter language: <c>{"and":[…]}</c>, <c>{"or":[…]}</c>, <c>{"not":…}</c> or <c>{"field","op","value"}</c>.</summary>
    public JsonElement? Filter { get; init; }

    /// <summary>1 to <see cref="MaxLimit"/>; default 10.</summary>
    public int? Limit { get; init; }

    /// <summary>Least similarity (1 − cosine distance), −1 to 1; off unless given.</summary>
    public double? Threshold { get; init; }

    /// <summary><c>none</c> (default), <c>file</c> or <c>session</c>: at most the best hit of each.</summary>
    public string? GroupBy { get; init; }
    public bool? Explain { get; init; }
}

/// <param name="Hits">Best first.</param>
/// <param name="Model">The embedding model of the active space; null while there is none.</param>
/// <param name="Degraded">What was missing, as codes of <see cref="ErrorCodes.Degraded"/>.</param>
public sealed record SearchResponse(
    IReadOnlyList<SearchHit> Hits, string Mode, string? Model, IReadOnlyList<string> Degraded, double TookMs);

/// <summary>One memory found.</summary>
public sealed record SearchHit
{
    public required Guid Id { get; init; }

    /// <summary>Comparable within one answer only.</summary>
    public double Score { get; init; }

    /// <summary>1 − cosine distance to the question; null where the memory has no vector (yet) or only words were searched.</summary>
    public double? Similarity { get; init; }
    public required string Type { get; init; }
    public required string Source { get; init; }
    public string? Title { get; init; }
    public required string Content { get; init; }
    public IReadOnlyList<string> Tags { get; init; } = [];
    public string? ProjectId { get; init; }
    public string? AgentId { get; init; }
    public string? WorkflowId { get; init; }
    public string? RepoId { get; init; }
    public string? SessionId { get; init; }

    /// <summary>Path within the repository, for its chunks.</summary>
    public string? Path { get; init; }
    public LineRange? Lines { get; init; }
    public JsonElement Metadata { get; init; }
    public DateTimeOffset OccurredAt { get; init; }

    /// <summary>Unified search only: <c>memories</c>, <c>session_buddy</c> or <c>shared</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Origin { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HitExplanation? Explain { get; init; }
}

/// <summary>Lines of a file, from 1, both included.</summary>
public sealed record LineRange(int Start, int End);

/// <summary>How a hit came to its place: rank (from 1) and score in each arm, the neighbours' share, the fused score.</summary>
public sealed record HitExplanation(VectorRank? Vector, TextRank? Text, double Neighbour, double Fused);

public sealed record VectorRank(int Rank, double Similarity);

public sealed record TextRank(int Rank, double Score);

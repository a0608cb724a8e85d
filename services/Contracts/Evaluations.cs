using System.Text.Json.Serialization;

namespace Mahavishnu.Contracts;

/// <summary>Body of <c>POST /evals/pins</c>: this question should find that memory. The scope is that of a search.</summary>
public sealed record NewPinnedQuery
{
    public string? Query { get; init; }
    public string? MemoryId { get; init; }
    public IReadOnlyList<string>? Types { get; init; }
    public IReadOnlyList<string>? Sources { get; init; }
    public string? ProjectId { get; init; }
    public string? RepoId { get; init; }
}

/// <summary>Where a question is asked: the filters of a search that an evaluation can repeat.</summary>
public sealed record QueryScope
{
    public IReadOnlyList<string> Types { get; init; } = [];
    public IReadOnlyList<string> Sources { get; init; } = [];
    public string? ProjectId { get; init; }
    public string? RepoId { get; init; }
}

/// <summary>A question that should find a memory.</summary>
/// <param name="Title">Title or beginning of the memory; null where no search finds it any more: deleted, expired or superseded.</param>
public sealed record PinnedQuery(Guid Id, string Query, Guid MemoryId, QueryScope Scope, DateTimeOffset CreatedAt, string? Title)
{
    /// <summary>True in the answer to a pin that was there already.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Duplicate { get; init; }
}

/// <summary>Body of <c>POST /evals:run</c>; all optional.</summary>
public sealed record RunEvaluationRequest
{
    /// <summary>One of <see cref="SearchModes"/>; default hybrid.</summary>
    public string? Mode { get; init; }

    /// <summary>The <c>k</c> of recall@k, 1 to 100; default 10.</summary>
    public int? K { get; init; }
}

/// <summary>The pinned queries asked again.</summary>
/// <param name="Queries">How many were asked.</param>
/// <param name="Recall">Share whose memory is among the first <paramref name="K"/>; null where nothing is pinned.</param>
/// <param name="Mrr">Mean of 1/rank (0 beyond the first <paramref name="K"/>).</param>
public sealed record EvaluationResult(
    string Mode, string? Model, int K, int Queries, double? Recall, double? Mrr, IReadOnlyList<string> Degraded, IReadOnlyList<PinnedQueryResult> Results)
{
    /// <summary>Pins whose memory is deleted, expired or superseded: they are not asked and do not count.</summary>
    public int Gone { get; init; }
}

/// <param name="Rank">Place of the memory, from 1; null: not among the first k.</param>
public sealed record PinnedQueryResult(Guid PinId, string Query, Guid MemoryId, int? Rank);

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
public record SearchRequest
{
    /// <summary>Longest question, in characters.</summary>
    public const int MaxQueryLength = 8_000;
    public const int MaxLimit = 200;

    /// <summary>
    /// Words to look for. "In quotes" it must stand in the text as it is; -word and -"quoted" must not be there. A dash inside words or before another sign, and one
    /// before one or two letters (-rf), is none of these.
    /// </summary>
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

    /// <summary>
    /// What was valid then, with the words it had: stored or happened by then, and not yet superseded, deleted or expired. It is found, filtered and ranked by the words
    /// and vectors of today; a memory deleted since has no vector any more, and is found by its words.
    /// </summary>
    public DateTimeOffset? AsOf { get; init; }

    /// <summary>Also what another memory has superseded; such a hit names it.</summary>
    public bool? IncludeSuperseded { get; init; }

    /// <summary>The filter language: <c>{"and":[…]}</c>, <c>{"or":[…]}</c>, <c>{"not":…}</c> or <c>{"field","op","value"}</c>.</summary>
    public JsonElement? Filter { get; init; }

    /// <summary>1 to <see cref="MaxLimit"/>; default 10.</summary>
    public int? Limit { get; init; }

    /// <summary>Least similarity (1 − cosine distance), −1 to 1; off unless given.</summary>
    public double? Threshold { get; init; }

    /// <summary><c>none</c> (default), <c>file</c> or <c>session</c>: at most the best hit of each.</summary>
    public string? GroupBy { get; init; }
    public bool? Explain { get; init; }

    /// <summary>Recent memories first: after this long a memory's score counts half, after twice as long a quarter. A number and one of m, h, d, w, y, such as <c>30d</c>; off unless given.</summary>
    public string? HalfLife { get; init; }

    /// <summary>The language that the question's words are in, such as <c>german</c>; else those in use where it is asked.</summary>
    public string? Language { get; init; }
}

/// <summary>
/// Body of <c>POST /search/projects</c>: as a search, with <see cref="SearchRequest.ProjectId"/> the project that asks. It finds its own memories, those of projects that
/// depend on it or that it depends on, those of its groups, and what was shared with it.
/// </summary>
public sealed record ProjectSearchRequest : SearchRequest
{
    public const int MostHops = 3;

    [JsonConstructor]
    public ProjectSearchRequest()
    {
    }

    /// <summary>The same question, asked across projects.</summary>
    public ProjectSearchRequest(SearchRequest search) : base(search)
    {
    }

    /// <summary>How far dependencies are followed, in either direction: 1 (default) to <see cref="MostHops"/>.</summary>
    public int? Hops { get; init; }

    /// <summary>Some of <see cref="ScopeReasons"/>; default all: why a memory may be found.</summary>
    public IReadOnlyList<string>? Reasons { get; init; }
}

/// <summary>Why a search across projects may find a memory.</summary>
public static class ScopeReasons
{
    /// <summary>It is the asking project's own.</summary>
    public const string Project = "project";
    public const string Dependency = "dependency";
    public const string Group = "group";

    /// <summary>It was shared with the project or one of its groups.</summary>
    public const string Shared = "shared";

    public static IReadOnlyList<string> All { get; } = [Project, Dependency, Group, Shared];
}

/// <summary>Why a hit is among those of a search across projects: the strongest reason there is.</summary>
/// <param name="Reason">One of <see cref="ScopeReasons"/>.</param>
/// <param name="Via">The dependencies that lead there, such as <c>shop uses lib, core extends lib</c>; the group; null for the project's own and what was shared with itself.</param>
/// <param name="Distance">0 for the project's own, the number of dependencies, 1 for all else.</param>
/// <param name="Weight">What the hit's score was multiplied by.</param>
public sealed record HitScope(string Reason, string? Via, int Distance, double Weight);

/// <param name="Hits">Best first.</param>
/// <param name="Model">The embedding model of the active space; null while there is none.</param>
/// <param name="Degraded">What was missing, as codes of <see cref="ErrorCodes.Degraded"/>.</param>
public sealed record SearchResponse(
    IReadOnlyList<SearchHit> Hits, string Mode, string? Model, IReadOnlyList<string> Degraded, double TookMs)
{
    /// <summary>The time that the hits are shown as of; only where one was asked about.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? AsOf { get; init; }

    /// <summary>How the question was understood; only with <c>explain</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UnderstoodQuestion? Understood { get; init; }
}

/// <summary>What became of a question.</summary>
/// <param name="Words">What was looked for by its words and, where there is a model, by its meaning.</param>
/// <param name="Phrases">What had to stand in the text as it is.</param>
/// <param name="Excluded">What must not be there.</param>
/// <param name="Prefix">What a word may begin with; only of a question of one short word.</param>
/// <param name="Names">What was taken for a path or a symbol: code of that name comes first.</param>
/// <param name="Languages">The text configurations the words were read in.</param>
/// <param name="Fusion">How the arms were put together; null where there was one.</param>
/// <param name="VectorWeight">The vector arm's share in it, where that counts.</param>
public sealed record UnderstoodQuestion(
    string Words, IReadOnlyList<string> Phrases, IReadOnlyList<string> Excluded, string? Prefix, IReadOnlyList<string> Names, IReadOnlyList<string> Languages,
    string? Fusion, double? VectorWeight);

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

    /// <summary>The memory that took this one's place; only where superseded ones were asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? SupersededBy { get; init; }

    /// <summary>With <c>asOf</c>: the version whose words are shown. It was found and ranked by those of today.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ShownVersion { get; init; }

    /// <summary>Unified search only: <c>memories</c>, <c>session_buddy</c> or <c>shared</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Origin { get; init; }

    /// <summary>Search across projects only: why it is among the hits.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HitScope? Scope { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HitExplanation? Explain { get; init; }
}

/// <summary>Lines of a file, from 1, both included.</summary>
public sealed record LineRange(int Start, int End);

/// <summary>How a hit came to its place: rank (from 1) and score in each arm, the neighbours' share, the fused score, and what its age left of them.</summary>
/// <param name="Recency">1 now, 0.5 after a half-life; null unless one was given. The hit's score is (fused + neighbour) times this.</param>
/// <param name="Weight">What its scope weighs: of a search across projects the hit's score is multiplied by this, too.</param>
public sealed record HitExplanation(
    VectorRank? Vector, TextRank? Text, double Neighbour, double Fused, double? Recency = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Weight = null);

public sealed record VectorRank(int Rank, double Similarity);

/// <param name="Words">The question's words that the memory has, the rarest first. What its name brought a file or symbol is in the score alone.</param>
public sealed record TextRank(int Rank, double Score, IReadOnlyList<WordScore> Words);

/// <param name="Word">As it is indexed: reduced to its stem, <c>deplo…</c> for what begins so.</param>
/// <param name="Weight">How much it says in this store: the rarer, the more.</param>
/// <param name="Score">What it brought.</param>
public sealed record WordScore(string Word, double Weight, double Score);

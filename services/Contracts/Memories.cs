using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mahavishnu.Contracts;

/// <summary>The four kinds of memory (the plan's <c>memory_type</c>).</summary>
public static class MemoryTypes
{
    public const string Agent = "agent";
    public const string Rag = "rag";
    public const string Workflow = "workflow";
    public const string Insight = "insight";

    public static IReadOnlyList<string> All { get; } = [Agent, Rag, Workflow, Insight];
}

/// <summary>Whether a memory can be found by meaning yet.</summary>
public static class EmbeddingStates
{
    public const string Ready = "ready";
    public const string Pending = "pending";
    public const string Failed = "failed";
}

/// <summary>Limits of a memory; what exceeds them is refused, never cut.</summary>
public static class MemoryLimits
{
    /// <summary>Bytes of UTF-8.</summary>
    public const int ContentBytes = 4 * 1024 * 1024;

    /// <summary>Bytes of UTF-8 of the metadata document.</summary>
    public const int MetadataBytes = 64 * 1024;
    public const int MetadataDepth = 8;
    public const int Tags = 100;
    public const int TagLength = 200;

    /// <summary>Characters of an id, a source or a title.</summary>
    public const int NameLength = 500;
    public const int BatchItems = 10_000;
    public const int ListLimit = 1_000;
}

/// <summary>A memory as it is read.</summary>
public sealed record Memory
{
    public required Guid Id { get; init; }

    /// <summary>One of <see cref="MemoryTypes"/>.</summary>
    public required string Type { get; init; }

    /// <summary>The system it came from, such as <c>agno</c> or <c>session_buddy</c>.</summary>
    public required string Source { get; init; }
    public string? Title { get; init; }
    public required string Content { get; init; }
    public IReadOnlyList<string> Tags { get; init; } = [];
    public string? ProjectId { get; init; }
    public string? AgentId { get; init; }
    public string? WorkflowId { get; init; }
    public string? RepoId { get; init; }
    public string? SessionId { get; init; }
    public JsonElement Metadata { get; init; }

    /// <summary>When it happened at its source.</summary>
    public DateTimeOffset OccurredAt { get; init; }

    /// <summary>When it came in here.</summary>
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Counts changes from 1; the ETag.</summary>
    public int Version { get; init; }

    /// <summary>The memory that took this one's place: lists and searches show that one.</summary>
    public Guid? SupersededBy { get; init; }

    /// <summary>When it took it. Present where <see cref="SupersededBy"/> is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? SupersededAt { get; init; }

    /// <summary>One of <see cref="EmbeddingStates"/>.</summary>
    public required string Embedding { get; init; }

    /// <summary>Present on deleted memories only.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>True in the answer to a write that found the memory already there.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Duplicate { get; init; }

    /// <summary>Where it came from, and what later duplicates said differently. Present where there is something to say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JsonElement? Provenance { get; init; }
}

/// <summary>A memory as it is written. Everything but <see cref="Content"/> has a default; text fields are strings so that one bad value is one named error.</summary>
public sealed record NewMemory
{
    /// <summary>A UUID chosen by the client (version 7 by preference); absent: the server makes one.</summary>
    public string? Id { get; init; }

    /// <summary>One of <see cref="MemoryTypes"/>; default <c>agent</c>.</summary>
    public string? Type { get; init; }

    /// <summary>Default <c>mahavishnu</c>.</summary>
    public string? Source { get; init; }
    public string? Title { get; init; }
    public string? Content { get; init; }
    public IReadOnlyList<string?>? Tags { get; init; }
    public string? ProjectId { get; init; }
    public string? AgentId { get; init; }
    public string? WorkflowId { get; init; }
    public string? RepoId { get; init; }
    public string? SessionId { get; init; }

    /// <summary>A JSON object.</summary>
    public JsonElement? Metadata { get; init; }
    public DateTimeOffset? OccurredAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Id of a memory whose place this one takes, in the same transaction.</summary>
    public string? Supersedes { get; init; }
}

/// <summary>Body of <c>POST /memories/{id}:supersede</c>.</summary>
/// <param name="By">Id of the memory that takes the place.</param>
public sealed record SupersedeRequest(string? By);

/// <summary>Changes to a memory; an absent property is left as it is, an explicit null clears it (JSON merge patch, RFC 7396, on the top level).</summary>
public sealed record MemoryPatch
{
    public string? Title { get; init; }
    public string? Content { get; init; }
    public IReadOnlyList<string?>? Tags { get; init; }
    public string? ProjectId { get; init; }
    public string? AgentId { get; init; }
    public string? WorkflowId { get; init; }
    public string? SessionId { get; init; }
    public JsonElement? Metadata { get; init; }
    public DateTimeOffset? OccurredAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>Body of <c>POST /memories:batch</c>; items stay raw so that a bad one fails alone.</summary>
public sealed record MemoryBatch
{
    public IReadOnlyList<JsonElement>? Memories { get; init; }

    /// <summary><c>insert</c> (default) or <c>upsert</c>.</summary>
    public string? Mode { get; init; }
}

/// <summary>What became of one item.</summary>
/// <param name="Index">Position in the request, from 0.</param>
/// <param name="Id">The stored memory's id; null for an error.</param>
/// <param name="Status"><c>created</c>, <c>duplicate</c>, <c>updated</c> or <c>error</c>.</param>
public sealed record BatchItemResult(
    int Index,
    Guid? Id,
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] BatchItemError? Error = null);

/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
public sealed record BatchItemError(string Code, string? Field, string Message);

public sealed record BatchCounts(int Created, int Duplicate, int Updated, int Error);

public sealed record BatchResult(IReadOnlyList<BatchItemResult> Results, BatchCounts Counts);

/// <summary>One page of a listing.</summary>
/// <param name="NextCursor">Opaque; null on the last page.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary>What is done to a memory that is there.</summary>
public static class MemoryChanges
{
    public const string Update = "update";
    public const string Delete = "delete";
    public const string Restore = "restore";
    public const string Supersede = "supersede";
    public const string Unsupersede = "unsupersede";
}

/// <summary>What a memory was before a change.</summary>
/// <param name="Change">One of <see cref="MemoryChanges"/>.</param>
public sealed record MemoryVersion(int Version, string Change, DateTimeOffset ChangedAt, Memory Memory);

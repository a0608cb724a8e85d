using System.Security.Cryptography;
using System.Text;

namespace Mahavishnu.Storage;

/// <summary>A validated memory on its way in. Text is cleaned (<see cref="TextSanitizer"/>) by whoever makes the draft.</summary>
public sealed record MemoryDraft
{
    private byte[]? _hash;

    public required Guid Id { get; init; }

    /// <summary>True when the client chose <see cref="Id"/>: then it must not change silently.</summary>
    public bool IdGiven { get; init; }

    /// <summary>agent, rag, workflow or insight.</summary>
    public required string Type { get; init; }
    public required string Source { get; init; }
    public string? Title { get; init; }
    public required string Content
    {
        get;
        // `with` copies the hash along.
        init => (field, _hash) = (value, null);
    }

    /// <summary>See <see cref="DedupeKeys"/>; null never collides.</summary>
    public string? DedupeKey { get; init; }
    public IReadOnlyList<string> Tags { get; init; } = [];
    public string? AgentId { get; init; }
    public string? WorkflowId { get; init; }
    public string? RepoId { get; init; }
    public string? ProjectId { get; init; }
    public string? SessionId { get; init; }

    /// <summary>A JSON object as text.</summary>
    public string Metadata { get; init; } = "{}";

    /// <summary>A JSON object as text: where it came from.</summary>
    public string Provenance { get; init; } = "{}";

    /// <summary>The import that brings it: marks what it adds to a memory that is there already, so that an undo finds it.</summary>
    public Guid? ImportId { get; init; }
    public required DateTimeOffset OccurredAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The memory whose place this one takes. Where it may not, this one is not stored.</summary>
    public Guid? Supersedes { get; init; }

    /// <summary>SHA-256 of <see cref="Content"/> in UTF-8.</summary>
    public byte[] ContentHash => _hash ??= HashOf(Content);

    /// <summary>SHA-256 of a content in UTF-8.</summary>
    public static byte[] HashOf(string content) => SHA256.HashData(Encoding.UTF8.GetBytes(content));
}

/// <summary>What to do with a memory that is already there.</summary>
public enum WriteMode
{
    /// <summary>Leave it; what differs goes into its provenance.</summary>
    Insert,

    /// <summary>Change it where it differs.</summary>
    Upsert,
}

public enum WriteStatus
{
    Created,
    Duplicate,
    Updated,

    /// <summary>The id given belongs to another content, or to a deleted memory; or the place it was to take is another's.</summary>
    Conflict,

    /// <summary>The memory whose place it was to take is not there.</summary>
    Missing,
}

/// <param name="Id">The stored memory's id.</param>
public sealed record WriteOutcome(Guid Id, WriteStatus Status, string? Reason = null)
{
    /// <summary>What of the draft <see cref="Reason"/> is about, as the wire names it.</summary>
    public string Field { get; init; } = "id";
}

/// <summary>What makes two memories the same one, for each kind of writer.</summary>
public static class DedupeKeys
{
    /// <summary>A single memory or an item of a batch: <c>type : projectId : content hash</c>.</summary>
    public static string ForMemory(string type, string? projectId, byte[] contentHash) => Key(type, projectId ?? "", Hex(contentHash));

    /// <summary>A chunk of a repository: <c>repoId : path : ordinal : content hash</c>.</summary>
    public static string ForChunk(string repoId, string path, int ordinal, byte[] contentHash) =>
        Key(repoId, path, ordinal.ToString(System.Globalization.CultureInfo.InvariantCulture), Hex(contentHash));

    /// <summary>A turn with an id of the client's: <c>sessionId : id</c>. Colons of the first are marked: session "a:b" with id "c" is not "a" with "b:c".</summary>
    public static string ForTurn(string sessionId, string clientId) =>
        Key(sessionId.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal), clientId);

    /// <summary>A row of an imported text table: <c>sb : content hash</c>.</summary>
    public static string ForImportedText(byte[] contentHash) => Key("sb", Hex(contentHash));

    /// <summary>The sentence of an imported graph edge: <c>sbkg : content hash</c>.</summary>
    public static string ForImportedEdge(byte[] contentHash) => Key("sbkg", Hex(contentHash));

    // A btree entry holds at most 2,704 bytes: a key made of very long names is kept by its hash.
    private const int LongestPlainKey = 1_000;

    private static string Key(params ReadOnlySpan<string> parts)
    {
        var key = string.Join(':', parts);
        return Encoding.UTF8.GetByteCount(key) <= LongestPlainKey ? key : "sha256:" + Hex(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
    }

    private static string Hex(byte[] hash) => Convert.ToHexStringLower(hash);
}

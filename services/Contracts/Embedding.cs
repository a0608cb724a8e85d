namespace Mahavishnu.Contracts;

/// <summary>One embedding space: vectors of one model that may be compared with each other.</summary>
/// <param name="State"><c>building</c>, <c>active</c> or <c>retired</c>.</param>
/// <param name="Index"><c>none</c> (exact search), <c>building</c> or <c>ready</c>.</param>
public sealed record EmbeddingSpaceInfo(
    int Id, string Model, string Digest, int Dimensions, string Distance, string PrefixProfile, string State,
    long Vectors, string Index, DateTimeOffset CreatedAt);

/// <summary>Answer of <c>GET /embeddings</c>.</summary>
public sealed record EmbeddingStatus(IReadOnlyList<EmbeddingSpaceInfo> Spaces, EmbeddingQueueStatus Queue);

/// <summary>The embedding queue.</summary>
/// <param name="Running">Claimed by a worker whose lease still runs.</param>
/// <param name="Failed">In the dead-letter list: no more attempts until retried.</param>
public sealed record EmbeddingQueueStatus(long Pending, long Running, long Failed, DateTimeOffset? OldestPending);

/// <summary>A memory that could not be embedded.</summary>
public sealed record DeadLetter(Guid MemoryId, int SpaceId, int Attempts, string? Error, DateTimeOffset FailedAt);

/// <summary>Answer of <c>POST /embeddings/dead-letters:retry</c>.</summary>
public sealed record RetryResult(long Requeued);

/// <summary>Body of <c>POST /embeddings/dead-letters:retry</c>; absent ids: all of them.</summary>
public sealed record RetryRequest(IReadOnlyList<Guid>? MemoryIds);

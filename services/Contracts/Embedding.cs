namespace Mahavishnu.Contracts;

/// <summary>What identifies the vectors of a model: two vectors may be compared only where all of this is the same.</summary>
/// <param name="Provider">Who computes them, one of <see cref="EmbeddingProviders"/>.</param>
/// <param name="Model">The model's name, e.g. <c>nomic-embed-text</c>.</param>
/// <param name="Digest">What the provider says identifies the model's content: another digest, other vectors.</param>
/// <param name="Dimensions">Length of each vector.</param>
/// <param name="Distance"><c>cosine</c>, <c>l2</c> or <c>ip</c> (inner product).</param>
/// <param name="PrefixProfile">Which words go before a document and before a question, e.g. <c>nomic</c>; <c>none</c>: none.</param>
public sealed record EmbeddingModel(string Provider, string Model, string Digest, int Dimensions, string Distance, string PrefixProfile);

/// <summary>Who computes vectors.</summary>
public static class EmbeddingProviders
{
    public const string Ollama = "ollama";
    public const string Builtin = "builtin";

    /// <summary>Only as a setting: Ollama if it answers and has the model while no space exists, else built-in; afterwards the active space decides.</summary>
    public const string Auto = "auto";
}

/// <summary>How a provider does: <see cref="EmbeddingProviderStatus.State"/>.</summary>
public static class EmbeddingProviderStates
{
    /// <summary>It answers and has the model.</summary>
    public const string Ready = "ready";

    /// <summary>It does not answer.</summary>
    public const string Away = "away";

    /// <summary>It answers and does not have the model.</summary>
    public const string Missing = "missing";

    /// <summary>It is downloading the model.</summary>
    public const string Pulling = "pulling";

    /// <summary>It has another content under the model's name.</summary>
    public const string Changed = "changed";

    /// <summary>Not asked yet.</summary>
    public const string Unknown = "unknown";
}

/// <summary>States of an embedding space.</summary>
public static class EmbeddingSpaceStates
{
    /// <summary>Being filled, or filled and waiting to be activated; takes every new write.</summary>
    public const string Building = "building";

    /// <summary>The one that searches use.</summary>
    public const string Active = "active";

    /// <summary>Was active and still takes every new write, so that it can be activated again at any time.</summary>
    public const string Retired = "retired";

    /// <summary>On its way out.</summary>
    public const string Dropping = "dropping";
}

/// <summary>Why a memory has no vector (yet): the closed list of <c>reason</c> values in the embedding queue.</summary>
public static class EmbeddingReasons
{
    /// <summary>The provider does not answer, answers too late, or cuts the connection.</summary>
    public const string ModelAway = "model_away";

    /// <summary>The provider answers and does not have the model.</summary>
    public const string ModelMissing = "model_missing";

    /// <summary>The provider has another model under the name (its digest changed).</summary>
    public const string ModelChanged = "model_changed";

    /// <summary>The provider answered with an error of its own (5xx).</summary>
    public const string ModelError = "model_error";

    /// <summary>The provider refused this text (4xx).</summary>
    public const string TextRefused = "text_refused";

    /// <summary>The provider's answer cannot be read.</summary>
    public const string BadAnswer = "bad_answer";

    /// <summary>Fewer or more vectors came back than texts went in.</summary>
    public const string WrongCount = "wrong_count";

    /// <summary>A vector of another length than the space has.</summary>
    public const string WrongDimensions = "wrong_dimensions";

    /// <summary>A vector with NaN or infinity, or beyond what half precision holds.</summary>
    public const string NotFinite = "not_finite";

    /// <summary>A vector of zeros: near to nothing.</summary>
    public const string ZeroVector = "zero_vector";

    /// <summary>Attempts ended with their process, again and again.</summary>
    public const string WorkerDied = "worker_died";
}

/// <summary>One embedding space: vectors of one model that may be compared with each other.</summary>
/// <param name="State">One of <see cref="EmbeddingSpaceStates"/>.</param>
/// <param name="Index"><c>none</c> (exact search), <c>building</c> or <c>ready</c>.</param>
public sealed record EmbeddingSpaceInfo(
    int Id, string Provider, string Model, string Digest, int Dimensions, string Distance, string PrefixProfile, string State,
    long Vectors, string Index, DateTimeOffset CreatedAt)
{
    /// <summary>What waits to get a vector of this space.</summary>
    public EmbeddingQueueStatus Queue { get; init; } = new(0, 0, 0, null);

    /// <summary>When the memories that were there before the space had all been through the queue; null while it is being filled.</summary>
    public DateTimeOffset? FilledAt { get; init; }

    /// <summary>When it last became the active one.</summary>
    public DateTimeOffset? ActivatedAt { get; init; }

    /// <summary>Size of its vectors and their indexes on disk.</summary>
    public long Bytes { get; init; }

    /// <summary>The kind asked for this space, one of <see cref="VectorIndexKinds"/>; null: as the settings say.</summary>
    public string? WantedIndex { get; init; }

    /// <summary>The index that searches use; null where there is none (yet).</summary>
    public VectorIndexInfo? VectorIndex { get; init; }

    /// <summary>What real searches find by the index; null while none has been run again exactly.</summary>
    public SpaceRecall? Recall { get; init; }
}

/// <summary>Answer of <c>GET /embeddings</c>.</summary>
/// <param name="Queue">Of the active space; of all of them while none is active.</param>
public sealed record EmbeddingStatus(IReadOnlyList<EmbeddingSpaceInfo> Spaces, EmbeddingQueueStatus Queue)
{
    /// <summary>The provider as this server's settings choose it, and how it does.</summary>
    public EmbeddingProviderStatus? Provider { get; init; }
}

/// <summary>The embedding queue.</summary>
/// <param name="Running">Claimed by a worker whose lease still runs.</param>
/// <param name="Failed">In the dead-letter list: no more attempts until retried.</param>
public sealed record EmbeddingQueueStatus(long Pending, long Running, long Failed, DateTimeOffset? OldestPending)
{
    /// <summary>Reasons of the last failures, of those in the dead-letter list and of those that will be tried again.</summary>
    public IReadOnlyList<EmbeddingQueueReason> Reasons { get; init; } = [];

    /// <summary>Memories embedded per second by the server that answers, over the last minute; null where it embeds nothing.</summary>
    public double? RatePerSecond { get; init; }
}

/// <summary>One reason and how many memories have it.</summary>
/// <param name="Reason">One of <see cref="EmbeddingReasons"/>.</param>
/// <param name="Waiting">Will be tried again.</param>
/// <param name="Failed">In the dead-letter list.</param>
/// <param name="Example">The latest error in words.</param>
public sealed record EmbeddingQueueReason(string Reason, long Waiting, long Failed, string? Example);

/// <summary>How the embedding provider does.</summary>
/// <param name="Provider">One of <see cref="EmbeddingProviders"/>.</param>
/// <param name="Model">The model that is meant.</param>
/// <param name="State">One of <see cref="EmbeddingProviderStates"/>.</param>
/// <param name="Message">One sentence; null where all is well.</param>
/// <param name="Hint">The command that would change it, where there is one.</param>
public sealed record EmbeddingProviderStatus(string Provider, string? Model, string State, string? Message, string? Hint)
{
    /// <summary>Bytes of a pull done and in all, while <c>State</c> is <c>pulling</c>.</summary>
    public long? PulledBytes { get; init; }
    public long? PullBytes { get; init; }
}

/// <summary>Body of <c>POST /embeddings</c>: a space of this model, filled in the background from the stored texts. 202 with an operation.</summary>
public sealed record AddEmbeddingSpaceRequest
{
    /// <summary>The model's name; <c>builtin</c> is the built-in one.</summary>
    public string? Model { get; init; }

    /// <summary>One of <see cref="EmbeddingProviders"/>; default: builtin for the built-in model's name, else ollama.</summary>
    public string? Provider { get; init; }

    /// <summary>Prefix profile; default: the one known for the model, else none.</summary>
    public string? PrefixProfile { get; init; }

    /// <summary><c>cosine</c> (default), <c>l2</c> or <c>ip</c>.</summary>
    public string? Distance { get; init; }

    /// <summary>Most memories queued for it per second; null: as fast as they can be embedded.</summary>
    public double? RatePerSecond { get; init; }
}

/// <summary>Result of an <c>embedding-space</c> operation.</summary>
/// <param name="Memories">Embedded into the space.</param>
/// <param name="Failed">In its dead-letter list.</param>
public sealed record EmbeddingSpaceResult(int SpaceId, string Model, int Dimensions, long Memories, long Failed, double Seconds);

/// <summary>Body of <c>POST /embeddings/{id}:compare</c>; all optional.</summary>
public sealed record CompareSpacesRequest
{
    /// <summary>The space to compare with; default the active one.</summary>
    public int? With { get; init; }

    /// <summary>Queries to use at most, 1 to 500; default 50. Pinned ones first, then sampled ones.</summary>
    public int? Queries { get; init; }
}

/// <summary>Two spaces over the same questions: <c>POST /embeddings/{id}:compare</c>.</summary>
/// <param name="Basis"><c>pinned</c> (questions with a known answer), <c>sampled</c> (past questions; what the words find stands in for the answer) or <c>none</c>.</param>
/// <param name="Note">What the numbers rest on, in a sentence.</param>
/// <param name="Queries">Questions compared.</param>
/// <param name="OverlapAt10">Mean share of the first ten that both have.</param>
/// <param name="Worse">Whether <paramref name="Candidate"/> finds what should be found worse than <paramref name="Baseline"/>.</param>
public sealed record SpaceComparison(
    string Basis, string Note, int Queries, SpaceScore Baseline, SpaceScore Candidate, double? OverlapAt10, bool Worse, IReadOnlyList<QueryComparison> Changes);

/// <summary>How one space does.</summary>
/// <param name="RecallAt10">Share of the questions whose memory is among the first ten; null where nothing is known to be right.</param>
/// <param name="Mrr">Mean of 1/rank of the memory that should be found (0 beyond the first 100).</param>
/// <param name="IndexRecallAt10">Share of the exact first ten that the index finds too; null while there is no index.</param>
public sealed record SpaceScore(int SpaceId, string Model, double? RecallAt10, double? Mrr, double? IndexRecallAt10);

/// <summary>One question in both spaces.</summary>
/// <param name="MemoryId">The memory it should find, where that is known.</param>
/// <param name="BaselineRank">Its rank (from 1) by the old space; null beyond the first 100.</param>
/// <param name="CandidateRank">Its rank by the new space.</param>
/// <param name="Overlap">Of the first ten, how many both have.</param>
public sealed record QueryComparison(string Query, Guid? MemoryId, int? BaselineRank, int? CandidateRank, int Overlap);

/// <summary>Body of <c>POST /embeddings/{id}:activate</c>.</summary>
public sealed record ActivateSpaceRequest
{
    /// <summary>Also where the space is not filled yet, or worse than the active one.</summary>
    public bool? Force { get; init; }
}

/// <summary>Answer of <c>POST /embeddings/{id}:activate</c>.</summary>
/// <param name="PreviousId">What was active; activating it again goes back.</param>
/// <param name="Comparison">What the decision rests on; null where it was forced or there was nothing to compare with.</param>
public sealed record SpaceActivation(int SpaceId, string Model, int? PreviousId, SpaceComparison? Comparison);

/// <summary>A memory that could not be embedded.</summary>
public sealed record DeadLetter(Guid MemoryId, int SpaceId, int Attempts, string? Error, DateTimeOffset FailedAt)
{
    /// <summary>One of <see cref="EmbeddingReasons"/>.</summary>
    public string? Reason { get; init; }
}

/// <summary>Answer of <c>POST /embeddings/dead-letters:retry</c>.</summary>
public sealed record RetryResult(long Requeued);

/// <summary>Body of <c>POST /embeddings/dead-letters:retry</c>; absent ids: all of them.</summary>
public sealed record RetryRequest(IReadOnlyList<Guid>? MemoryIds);

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mahavishnu.Contracts;

/// <summary>What an insight is about (<c>insight_type</c>), as Session-Buddy sorts them.</summary>
public static class InsightTypes
{
    public const string Pattern = "pattern";
    public const string Architecture = "architecture";
    public const string BestPractice = "best_practice";
    public const string Gotcha = "gotcha";
    public const string General = "general";

    public static IReadOnlyList<string> All { get; } = [Pattern, Architecture, BestPractice, Gotcha, General];
}

/// <summary>Who found an insight.</summary>
public static class InsightExtractors
{
    /// <summary>It stood in a message between the marks of an insight.</summary>
    public const string Marker = "marker";

    /// <summary>A language model read it out of a message.</summary>
    public const string Model = "llm";

    public static IReadOnlyList<string> All { get; } = [Marker, Model];
}

/// <summary>Why a language model has not read a message: the closed list of <c>reason</c> values of <see cref="InsightModelReason"/>. Those of embedding mean the same.</summary>
public static class ChatReasons
{
    /// <summary>The provider does not answer, or cuts the connection.</summary>
    public const string ModelAway = EmbeddingReasons.ModelAway;

    /// <summary>The provider answers and does not have the model, or it is none that talks.</summary>
    public const string ModelMissing = EmbeddingReasons.ModelMissing;

    /// <summary>The provider answered with an error of its own (5xx).</summary>
    public const string ModelError = EmbeddingReasons.ModelError;

    /// <summary>The provider refused these messages (4xx).</summary>
    public const string TextRefused = EmbeddingReasons.TextRefused;

    /// <summary>The answer is not what was asked for.</summary>
    public const string BadAnswer = EmbeddingReasons.BadAnswer;

    /// <summary>The answer did not come in time.</summary>
    public const string TooLate = "too_late";

    /// <summary>The process that asked ended again and again.</summary>
    public const string WorkerDied = EmbeddingReasons.WorkerDied;

    /// <summary>The database refused what was read.</summary>
    public const string NotStored = "not_stored";
}

/// <summary>Limits of an insight.</summary>
public static class InsightLimits
{
    /// <summary>Characters of one that is extracted; what is shorter or longer is none.</summary>
    public const int LeastContent = 30;

    /// <summary>Characters.</summary>
    public const int MostContent = 10_000;
    public const int Topics = 20;
    public const int TopicLength = 100;
    public const int ListLimit = 1_000;

    /// <summary>Characters of a text that is looked through without storing anything.</summary>
    public const int PreviewContent = 1024 * 1024;
}

/// <summary>Body of <c>POST /insights</c>: an insight that somebody had. Only <see cref="Content"/> is required; type, topics and scores are those of the rules unless given.</summary>
public sealed record NewInsight
{
    /// <summary>A UUID chosen by the client (version 7 by preference); absent: the server makes one.</summary>
    public string? Id { get; init; }

    /// <summary>At most <see cref="InsightLimits.MostContent"/> characters.</summary>
    public string? Content { get; init; }
    public string? Title { get; init; }

    /// <summary>One of <see cref="InsightTypes"/>.</summary>
    public string? InsightType { get; init; }

    /// <summary>At most <see cref="InsightLimits.Topics"/>.</summary>
    public IReadOnlyList<string?>? Topics { get; init; }
    public IReadOnlyList<string?>? Tags { get; init; }
    public string? ProjectId { get; init; }
    public string? AgentId { get; init; }
    public string? WorkflowId { get; init; }
    public string? SessionId { get; init; }

    /// <summary>Default <c>mahavishnu</c>.</summary>
    public string? Source { get; init; }

    /// <summary>0 to 1.</summary>
    public double? Confidence { get; init; }

    /// <summary>0 to 1.</summary>
    public double? Quality { get; init; }

    /// <summary>A JSON object; the entries that the server writes (<c>insight_type</c>, <c>topics</c>, <c>confidence_score</c>, <c>quality_score</c>) are left out.</summary>
    public JsonElement? Metadata { get; init; }
    public DateTimeOffset? OccurredAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Id of a memory whose place this one takes, in the same transaction.</summary>
    public string? Supersedes { get; init; }
}

/// <summary>An insight: a memory of type <c>insight</c>, where it came from, and how much it is used.</summary>
public sealed record Insight
{
    /// <summary>Of the memory: it is read, changed, deleted, superseded and erased under <c>/memories</c>.</summary>
    public required Guid Id { get; init; }
    public string? Title { get; init; }
    public required string Content { get; init; }

    /// <summary>One of <see cref="InsightTypes"/>; null of an imported reflection or fact.</summary>
    public string? InsightType { get; init; }
    public IReadOnlyList<string> Topics { get; init; } = [];
    public IReadOnlyList<string> Tags { get; init; } = [];
    public string? ProjectId { get; init; }
    public string? AgentId { get; init; }
    public string? WorkflowId { get; init; }
    public string? SessionId { get; init; }

    /// <summary>The system it came from.</summary>
    public required string Source { get; init; }

    /// <summary>0 to 1: how much it looks like an insight. Null where nobody said.</summary>
    public double? Confidence { get; init; }

    /// <summary>0 to 1. Null where nobody said.</summary>
    public double? Quality { get; init; }
    public JsonElement Metadata { get; init; }

    /// <summary>The message it was extracted from; null of one that was written or imported.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public InsightOrigin? ExtractedFrom { get; init; }
    public required InsightUsage Usage { get; init; }
    public DateTimeOffset OccurredAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public int Version { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? SupersededBy { get; init; }

    /// <summary>One of <see cref="EmbeddingStates"/>.</summary>
    public required string Embedding { get; init; }

    /// <summary>True in the answer to a write that found the insight already there.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Duplicate { get; init; }
}

/// <summary>Where an extracted insight stood.</summary>
/// <param name="Extractor">One of <see cref="InsightExtractors"/>.</param>
/// <param name="SessionId">The conversation; null of an imported text that names none.</param>
/// <param name="MessageId">The turn's memory, as first met.</param>
public sealed record InsightOrigin(string Extractor, string? SessionId, Guid MessageId)
{
    /// <summary>The language model that read it out of the message.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Model { get; init; }

    /// <summary>The words of the message that the language model gave as its reason.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Quote { get; init; }
}

/// <summary>How much an insight is used, since it is here. The counts come a moment late.</summary>
/// <param name="Found">How often a search answered with it.</param>
/// <param name="Read">How often it was read by its id.</param>
/// <param name="Imported">What its former home had counted.</param>
/// <param name="LastUsedAt">When it was found or read last; its former home's time where that was later.</param>
public sealed record InsightUsage(long Found, long Read, long Imported, DateTimeOffset? LastUsedAt);

/// <summary>Body of <c>POST /insights:preview</c>.</summary>
/// <param name="Content">A text such as an assistant's message.</param>
public sealed record PreviewInsightsRequest(string? Content);

/// <summary>What would be extracted from a text.</summary>
/// <param name="Insights">In the order of the text.</param>
/// <param name="Blocks">How many blocks stand between marks.</param>
/// <param name="RefusedByLength">How many of them are too short or too long to be one.</param>
/// <param name="RefusedByScore">How many are less sure than <c>Insights:MinConfidence</c>.</param>
public sealed record InsightPreview(IReadOnlyList<PreviewedInsight> Insights, int Blocks, int RefusedByLength, int RefusedByScore);

/// <param name="InsightType">One of <see cref="InsightTypes"/>.</param>
public sealed record PreviewedInsight(string Content, string InsightType, IReadOnlyList<string> Topics, double Confidence, double Quality);

/// <summary>Body of <c>POST /insights:extract</c>: which messages are looked through once more.</summary>
public sealed record ExtractInsightsRequest
{
    /// <summary>Only this conversation.</summary>
    public string? SessionId { get; init; }

    /// <summary>Only messages of this project.</summary>
    public string? ProjectId { get; init; }

    /// <summary>Only messages said then or later.</summary>
    public DateTimeOffset? After { get; init; }

    /// <summary>Only messages said earlier than that.</summary>
    public DateTimeOffset? Before { get; init; }

    /// <summary>Also imported texts; off unless asked for.</summary>
    public bool? IncludeImported { get; init; }

    /// <summary>Also has the language model read them, in the background, that has not read them yet; off unless asked for. Needs <c>Insights:Model:Name</c>.</summary>
    public bool? UseModel { get; init; }

    /// <summary>Counts, and stores nothing.</summary>
    public bool? DryRun { get; init; }
}

/// <summary>The <c>result</c> of an operation of kind <see cref="OperationKinds.Extraction"/>.</summary>
/// <param name="Messages">Messages looked through.</param>
/// <param name="Blocks">Blocks between marks in them.</param>
/// <param name="RefusedByLength">Too short or too long to be an insight.</param>
/// <param name="RefusedByScore">Less sure than <c>Insights:MinConfidence</c>.</param>
/// <param name="Known">Stored before, in whatever spelling; deleted ones do not come back.</param>
/// <param name="OverLimit">Left out because their session has as many as <c>Insights:MaxPerSession</c> allows.</param>
/// <param name="Created">New ones; with <c>dryRun</c>: what would be new.</param>
public sealed record ExtractionResult(long Messages, long Blocks, long RefusedByLength, long RefusedByScore, long Known, long OverLimit, long Created, bool DryRun)
{
    /// <summary>Messages that now wait for the language model; null where it was not asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ForModel { get; init; }
}

/// <summary>How the extraction of insights does.</summary>
/// <param name="Waiting">Writes whose marked blocks are still to be taken.</param>
/// <param name="Model">The language model that reads what is not marked, if there is one.</param>
public sealed record InsightStatus(long Waiting, InsightModelStatus Model);

/// <param name="Name">The model; null: none is configured, and none is asked.</param>
/// <param name="Waiting">Messages that it is to read.</param>
/// <param name="GivenUp">Messages that it could not read. A sweep with <c>useModel</c> tries them again.</param>
/// <param name="OldestWaiting">Since when the oldest of those waits.</param>
/// <param name="Reasons">Why the last attempts failed, the most frequent first.</param>
public sealed record InsightModelStatus(string? Name, long Waiting, long GivenUp, DateTimeOffset? OldestWaiting, IReadOnlyList<InsightModelReason> Reasons);

/// <param name="Reason">One of <see cref="ChatReasons"/>.</param>
/// <param name="Waiting">Messages that will be tried again.</param>
/// <param name="GivenUp">Messages that will not.</param>
/// <param name="Example">What one of them met.</param>
public sealed record InsightModelReason(string Reason, long Waiting, long GivenUp, string Example);

/// <summary>Typed client of <c>/insights</c>.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class InsightsClient(HttpClient http)
{
    public Task<Insight> AddAsync(NewInsight insight, CancellationToken ct = default) =>
        http.SendAsync<Insight>(HttpMethod.Post, "/insights", insight, ct);

    /// <param name="filter">
    /// The query string's parameters as wire names and values (<c>projectId</c>, <c>sessionId</c>, <c>agentId</c>, <c>source</c>, <c>insightType</c>, <c>topic</c>, <c>tag</c>,
    /// <c>extracted</c>, <c>extractor</c>, <c>minQuality</c>, <c>after</c>, <c>before</c>, <c>includeSuperseded</c>, <c>limit</c>, <c>cursor</c>).
    /// </param>
    public Task<Page<Insight>> ListAsync(IEnumerable<KeyValuePair<string, string?>> filter, CancellationToken ct = default) =>
        http.SendAsync<Page<Insight>>(HttpMethod.Get, "/insights" + ApiHttp.Query([.. filter.Select(f => (f.Key, f.Value))]), null, ct);

    public Task<Insight> GetAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<Insight>(HttpMethod.Get, $"/insights/{id}", null, ct);

    /// <summary>Says what would be extracted from a text, and stores nothing.</summary>
    public Task<InsightPreview> PreviewAsync(string content, CancellationToken ct = default) =>
        http.SendAsync<InsightPreview>(HttpMethod.Post, "/insights:preview", new PreviewInsightsRequest(content), ct);

    /// <summary>Says what still waits to be looked through, and why.</summary>
    public Task<InsightStatus> StatusAsync(CancellationToken ct = default) =>
        http.SendAsync<InsightStatus>(HttpMethod.Get, "/insights:status", null, ct);

    /// <returns>The queued (or already running) operation of kind <see cref="OperationKinds.Extraction"/>.</returns>
    public Task<Operation> ExtractAsync(ExtractInsightsRequest request, CancellationToken ct = default) =>
        http.SendAsync<Operation>(HttpMethod.Post, "/insights:extract", request, ct);
}

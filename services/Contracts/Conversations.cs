using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mahavishnu.Contracts;

/// <summary>Who said a turn.</summary>
public static class ConversationRoles
{
    public const string System = "system";
    public const string User = "user";
    public const string Assistant = "assistant";
    public const string Tool = "tool";

    public static IReadOnlyList<string> All { get; } = [System, User, Assistant, Tool];
}

public static class ConversationLimits
{
    /// <summary>Messages of one request.</summary>
    public const int Messages = 1_000;

    /// <summary>Turns before and after the one that is asked about.</summary>
    public const int Around = 50;
}

/// <summary>A turn as it is written.</summary>
public sealed record NewMessage
{
    /// <summary>One of <see cref="ConversationRoles"/>.</summary>
    public string? Role { get; init; }
    public string? Content { get; init; }

    /// <summary>The client's own name for the turn, unique within the session: sent again, it is not stored again. Without one every message is a new turn.</summary>
    public string? ClientId { get; init; }

    /// <summary>When it was said; default: when it came in.</summary>
    public DateTimeOffset? OccurredAt { get; init; }

    /// <summary>A JSON object. The server adds <c>role</c>.</summary>
    public JsonElement? Metadata { get; init; }
    public IReadOnlyList<string?>? Tags { get; init; }
}

/// <summary>Body of <c>POST /conversations/{sessionId}/messages</c>; messages stay raw so that a bad one fails alone.</summary>
public sealed record NewMessages
{
    /// <summary>1 to <see cref="ConversationLimits.Messages"/>, in the order in which they were said.</summary>
    public IReadOnlyList<JsonElement>? Messages { get; init; }
    public string? AgentId { get; init; }
    public string? ProjectId { get; init; }

    /// <summary>Default <c>mahavishnu</c>.</summary>
    public string? Source { get; init; }
}

/// <summary>What became of the messages of one request.</summary>
public sealed record MessagesAdded(string SessionId, IReadOnlyList<MessageResult> Messages, MessageCounts Counts);

/// <param name="Index">Position in the request, from 0.</param>
/// <param name="Ordinal">Place in the conversation, from 1; null for an error.</param>
/// <param name="Id">The memory's id; null for an error.</param>
/// <param name="Status"><c>created</c>, <c>duplicate</c> or <c>error</c>.</param>
/// <param name="Embedding">One of <see cref="EmbeddingStates"/>; null for an error.</param>
public sealed record MessageResult(
    int Index,
    int? Ordinal,
    Guid? Id,
    string Status,
    string? Embedding,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] BatchItemError? Error = null);

public sealed record MessageCounts(int Created, int Duplicate, int Error);

/// <summary>A turn as it is read: a memory at its place in the conversation.</summary>
public sealed record ConversationMessage
{
    /// <summary>Place in the conversation, from 1. It stays when other turns are deleted.</summary>
    public required int Ordinal { get; init; }

    /// <summary>Of the memory.</summary>
    public required Guid Id { get; init; }

    /// <summary>One of <see cref="ConversationRoles"/>.</summary>
    public required string Role { get; init; }
    public required string Content { get; init; }
    public string? ClientId { get; init; }
    public string? AgentId { get; init; }
    public string? ProjectId { get; init; }
    public required string Source { get; init; }
    public IReadOnlyList<string> Tags { get; init; } = [];
    public JsonElement Metadata { get; init; }
    public DateTimeOffset OccurredAt { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The memory's; more than 1 where the turn was changed.</summary>
    public int Version { get; init; }

    /// <summary>One of <see cref="EmbeddingStates"/>.</summary>
    public required string Embedding { get; init; }
}

/// <summary>A conversation as a whole.</summary>
public sealed record Conversation
{
    public required string SessionId { get; init; }

    /// <summary>How many turns there are; deleted ones do not count.</summary>
    public int Messages { get; init; }

    /// <summary>When the first and the last turn were said.</summary>
    public DateTimeOffset FirstAt { get; init; }
    public DateTimeOffset LastAt { get; init; }
    public IReadOnlyList<string> AgentIds { get; init; } = [];
    public IReadOnlyList<string> ProjectIds { get; init; } = [];

    /// <summary>The beginning of what the user said first; null where the user said nothing.</summary>
    public string? Opening { get; init; }
}

/// <summary>Typed client of <c>/conversations</c>.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class ConversationsClient(HttpClient http)
{
    /// <param name="messages">1 to <see cref="ConversationLimits.Messages"/>, in the order in which they were said.</param>
    public Task<MessagesAdded> AddAsync(
        string sessionId, IReadOnlyCollection<NewMessage> messages, string? agentId = null, string? projectId = null, string? source = null, CancellationToken ct = default) =>
        http.SendAsync<MessagesAdded>(HttpMethod.Post, $"{Of(sessionId)}/messages", new { messages, agentId, projectId, source }, ct);

    /// <param name="filter">The query string's parameters as wire names and values (<c>role</c>, <c>order</c>, <c>limit</c>, <c>cursor</c>).</param>
    public Task<Page<ConversationMessage>> MessagesAsync(string sessionId, IEnumerable<KeyValuePair<string, string?>> filter, CancellationToken ct = default) =>
        http.SendAsync<Page<ConversationMessage>>(HttpMethod.Get, $"{Of(sessionId)}/messages" + ApiHttp.Query([.. filter.Select(f => (f.Key, f.Value))]), null, ct);

    /// <summary>A turn and those beside it: what a hit of a search was said among.</summary>
    /// <param name="memoryId">The hit's id.</param>
    public Task<Page<ConversationMessage>> AroundAsync(string sessionId, Guid memoryId, int before = 2, int after = 2, CancellationToken ct = default) =>
        MessagesAsync(sessionId, [new("around", memoryId.ToString()), new("before", Number(before)), new("after", Number(after))], ct);

    /// <param name="filter">The query string's parameters as wire names and values (<c>projectId</c>, <c>agentId</c>, <c>after</c>, <c>before</c>, <c>limit</c>, <c>cursor</c>).</param>
    public Task<Page<Conversation>> ListAsync(IEnumerable<KeyValuePair<string, string?>> filter, CancellationToken ct = default) =>
        http.SendAsync<Page<Conversation>>(HttpMethod.Get, "/conversations" + ApiHttp.Query([.. filter.Select(f => (f.Key, f.Value))]), null, ct);

    public Task<Conversation> GetAsync(string sessionId, CancellationToken ct = default) =>
        http.SendAsync<Conversation>(HttpMethod.Get, Of(sessionId), null, ct);

    public Task DeleteAsync(string sessionId, CancellationToken ct = default) =>
        http.SendAsync(HttpMethod.Delete, Of(sessionId), ct);

    public Task<Conversation> RestoreAsync(string sessionId, CancellationToken ct = default) =>
        http.SendAsync<Conversation>(HttpMethod.Post, $"{Of(sessionId)}:restore", null, ct);

    private static string Of(string sessionId) => $"/conversations/{Uri.EscapeDataString(sessionId)}";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}

using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using NpgsqlTypes;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>What a list of conversations shows.</summary>
/// <param name="After">Something was said then or later.</param>
/// <param name="Before">Something was said earlier than that.</param>
internal sealed record ConversationFilter(string? ProjectId, string? AgentId, DateTimeOffset? After, DateTimeOffset? Before);

/// <summary>Conversations as they are read: turn by turn, around a turn, and as a list.</summary>
internal sealed class ConversationReadStore(NpgsqlDataSource db, TenantScope tenant)
{
    private const int OpeningLength = 200;

    // A memory that was moved to another session is no turn of this one any more.
    private const string Turns =
        "agent_conversations t JOIN memories m ON m.tenant_id = t.tenant_id AND m.id = t.memory_id AND m.session_id = t.session_id AND m.deleted_at IS NULL";

    /// <param name="from">The last one of the page before.</param>
    /// <param name="backwards">The last turn first.</param>
    /// <returns>The page, and whether there is more.</returns>
    public async Task<(IReadOnlyList<ConversationMessage> Items, bool More)> ListAsync(string sessionId, string? role, int? from, bool backwards, int limit, CancellationToken ct)
    {
        var (beyond, order) = backwards ? ("<", "DESC") : (">", "ASC");
        await using var command = SqlText.Command(
            Page($"""
                SELECT t.ordinal, t.role, t.client_id, t.memory_id, octet_length(m.content) AS size, row_number() OVER (ORDER BY t.ordinal {order}) AS place
                FROM {Turns}
                WHERE t.tenant_id = $1 AND t.session_id = $2 AND ($3::text IS NULL OR t.role = $3) AND ($4::int IS NULL OR t.ordinal {beyond} $4)
                ORDER BY t.ordinal {order} LIMIT $5 + 1
                """, "$5", "$6", order),
            db);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Text(sessionId), Text(role), new NpgsqlParameter { Value = (object?)from ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer },
            new NpgsqlParameter<int> { TypedValue = limit }, new NpgsqlParameter<long> { TypedValue = MemoryReadStore.PageBytes },
        });
        return await ReadAsync(command, ct);
    }

    /// <summary>A turn and those beside it, in order; none where it is no turn of this conversation.</summary>
    public async Task<IReadOnlyList<ConversationMessage>> AroundAsync(string sessionId, Guid memory, int before, int after, CancellationToken ct)
    {
        // The nearest first, so that long texts cost the farthest their place.
        await using var command = SqlText.Command(
            Page($"""
                SELECT n.ordinal, n.role, n.client_id, n.memory_id, octet_length(m.content) AS size, row_number() OVER (ORDER BY abs(n.ordinal - n.middle), n.ordinal) AS place
                FROM (
                    (SELECT t.*, x.ordinal AS middle FROM middle x, {Turns} WHERE t.tenant_id = $1 AND t.session_id = $2 AND t.ordinal < x.ordinal ORDER BY t.ordinal DESC LIMIT $4)
                    UNION ALL
                    (SELECT t.*, x.ordinal FROM middle x, {Turns} WHERE t.tenant_id = $1 AND t.session_id = $2 AND t.ordinal >= x.ordinal ORDER BY t.ordinal LIMIT $5 + 1)) n
                JOIN memories m ON m.tenant_id = $1 AND m.id = n.memory_id
                """, "$4 + $5 + 1", "$6", "ASC", $"middle AS (SELECT t.ordinal FROM {Turns} WHERE t.tenant_id = $1 AND t.session_id = $2 AND t.memory_id = $3),"),
            db);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Text(sessionId), Uuid(memory), new NpgsqlParameter<int> { TypedValue = before }, new NpgsqlParameter<int> { TypedValue = after },
            new NpgsqlParameter<long> { TypedValue = MemoryReadStore.PageBytes },
        });
        return (await ReadAsync(command, ct)).Items;
    }

    /// <summary>The one where something was said last first.</summary>
    /// <param name="from">The last one of the page before.</param>
    public async Task<(IReadOnlyList<(Conversation Conversation, Guid Id)> Items, bool More)> ListAsync(ConversationFilter filter, (DateTimeOffset LastAt, Guid Id)? from, int limit, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            {Whole}
            WHERE c.tenant_id = $1 AND s.messages > 0
              AND ($2::timestamptz IS NULL OR c.last_at >= $2) AND ($3::timestamptz IS NULL OR c.first_at < $3)
              AND ($4::timestamptz IS NULL OR (c.last_at, c.id) < ($4, $5))
              {With("project_id", filter.ProjectId, "$7")} {With("agent_id", filter.AgentId, "$8")}
            ORDER BY c.last_at DESC, c.id DESC LIMIT $6 + 1
            """, db);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Time(filter.After), Time(filter.Before), Time(from?.LastAt), Uuid(from?.Id ?? Guid.Empty),
            new NpgsqlParameter<int> { TypedValue = limit }, Text(filter.ProjectId), Text(filter.AgentId),
        });
        var items = await ReadWholeAsync(command, ct);
        return (items.Count > limit ? items[..limit] : items, items.Count > limit);
    }

    public async Task<Conversation?> FindAsync(string sessionId, CancellationToken ct)
    {
        await using var command = SqlText.Command($"{Whole} WHERE c.tenant_id = $1 AND c.session_id = $2 AND s.messages > 0", db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(sessionId) });
        return await ReadWholeAsync(command, ct) is [var (conversation, _)] ? conversation : null;
    }

    private static readonly string Whole = FormattableString.Invariant($$"""
        SELECT c.session_id, c.id, c.first_at, c.last_at, s.messages, s.agents, s.projects,
               (SELECT left(m.content, {{OpeningLength}}) FROM {{Turns}} WHERE t.tenant_id = $1 AND t.session_id = c.session_id AND t.role = 'user' ORDER BY t.ordinal LIMIT 1)
        FROM conversations c CROSS JOIN LATERAL (
            SELECT count(*)::int AS messages,
                   coalesce(array_agg(DISTINCT m.agent_id) FILTER (WHERE m.agent_id IS NOT NULL), '{}') AS agents,
                   coalesce(array_agg(DISTINCT m.project_id) FILTER (WHERE m.project_id IS NOT NULL), '{}') AS projects
            FROM {{Turns}} WHERE t.tenant_id = $1 AND t.session_id = c.session_id) s
        """);

    /// <summary>Conversations with a turn of this project or agent, by way of the memories: they know it also where it was changed, and have an index for it.</summary>
    private static string With(string column, string? value, string parameter) =>
        value is null ? "" : $"AND c.session_id IN (SELECT t.session_id FROM {Turns} WHERE m.tenant_id = $1 AND m.{column} = {parameter})";

    /// <summary>As many rows of <paramref name="turns"/> as fit a page, with their memories.</summary>
    private static string Page(string turns, string limit, string bytes, string order, string first = "") => $"""
        WITH {first}
        page AS ({turns}),
        sized AS (SELECT *, sum(size) OVER (ORDER BY place) - size AS before, count(*) OVER () AS found FROM page)
        SELECT {MemoryRowStore.Columns}, s.ordinal, s.role, s.client_id, s.found
        FROM sized s JOIN memories m ON m.tenant_id = $1 AND m.id = s.memory_id
        WHERE s.place <= {limit} AND s.before < {bytes}
        ORDER BY s.ordinal {order}
        """;

    private static async Task<(IReadOnlyList<ConversationMessage> Items, bool More)> ReadAsync(NpgsqlCommand command, CancellationToken ct)
    {
        const int Next = MemoryRowStore.ColumnCount;
        var items = new List<ConversationMessage>();
        var found = 0L;
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var memory = MemoryRowStore.Read(row);
            found = row.GetInt64(Next + 3);
            items.Add(new ConversationMessage
            {
                Ordinal = row.GetInt32(Next),
                Id = memory.Id,
                Role = row.GetString(Next + 1),
                Content = memory.Content,
                ClientId = row.IsDBNull(Next + 2) ? null : row.GetString(Next + 2),
                AgentId = memory.AgentId,
                ProjectId = memory.ProjectId,
                Source = memory.Source,
                Tags = memory.Tags,
                Metadata = memory.Metadata,
                OccurredAt = memory.OccurredAt,
                CreatedAt = memory.CreatedAt,
                Version = memory.Version,
                Embedding = memory.Embedding,
            });
        }

        return (items, found > items.Count);
    }

    private static async Task<List<(Conversation Conversation, Guid Id)>> ReadWholeAsync(NpgsqlCommand command, CancellationToken ct)
    {
        var items = new List<(Conversation, Guid)>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var conversation = new Conversation
            {
                SessionId = row.GetString(0),
                FirstAt = row.GetFieldValue<DateTimeOffset>(2),
                LastAt = row.GetFieldValue<DateTimeOffset>(3),
                Messages = row.GetInt32(4),
                AgentIds = row.GetFieldValue<string[]>(5),
                ProjectIds = row.GetFieldValue<string[]>(6),
                Opening = row.IsDBNull(7) ? null : row.GetString(7),
            };
            items.Add((conversation, row.GetGuid(1)));
        }

        return items;
    }
}

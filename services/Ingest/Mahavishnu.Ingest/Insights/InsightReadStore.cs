using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using NpgsqlTypes;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>What a list of insights shows.</summary>
internal sealed record InsightFilter(
    string? ProjectId, string? AgentId, string? SessionId, string? Source, string? InsightType, string? Topic, string[] Tags, bool? Extracted, string? Extractor, double? MinQuality,
    DateTimeOffset? After, DateTimeOffset? Before, bool IncludeSuperseded);

/// <summary>Which messages a sweep looks through.</summary>
internal sealed record SweepScope(string? SessionId, string? ProjectId, DateTimeOffset? After, DateTimeOffset? Before, bool IncludeImported);

/// <summary>Insights as they are read, and the messages that are looked through for them.</summary>
internal sealed class InsightReadStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>The select list of <see cref="ReadAsync"/>; the row's alias is <c>m</c>.</summary>
    public const string Said = "m.id, m.content, m.project_id, m.agent_id, m.session_id, m.occurred_at";

    // What an import brought may have anything under these names.
    private const string Quality = $"CASE WHEN jsonb_typeof(m.metadata -> '{InsightFields.Quality}') = 'number' THEN (m.metadata ->> '{InsightFields.Quality}')::float8 END";

    private const string Used = "LEFT JOIN insight_usage u ON u.tenant_id = m.tenant_id AND u.memory_id = m.id";

    public async Task<Insight?> FindAsync(Guid id, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            SELECT {MemoryRowStore.Columns}, u.found, u.read, u.used_at FROM memories m {Used}
            WHERE m.tenant_id = $1 AND m.id = $2 AND m.memory_type = 'insight' AND m.deleted_at IS NULL
            """, db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    /// <summary>Newest arrivals first.</summary>
    /// <param name="after">The last one of the page before.</param>
    /// <returns>The page, and whether there is more.</returns>
    public async Task<(IReadOnlyList<Insight> Items, bool More)> ListAsync(InsightFilter filter, (DateTimeOffset CreatedAt, Guid Id)? after, int limit, CancellationToken ct)
    {
        await using var command = SqlText.Command($$"""
            WITH page AS (
                SELECT m.id, m.created_at, octet_length(m.content) AS size FROM memories m
                WHERE m.tenant_id = $1 AND m.memory_type = 'insight' AND m.deleted_at IS NULL AND ($2 OR m.superseded_by IS NULL)
                  AND ($3::text IS NULL OR m.project_id = $3) AND ($4::text IS NULL OR m.agent_id = $4) AND ($5::text IS NULL OR m.session_id = $5)
                  AND ($6::text IS NULL OR m.source_system = $6)
                  AND ($7::text IS NULL OR m.metadata @> jsonb_build_object('{{InsightFields.Type}}', $7))
                  AND ($8::text IS NULL OR m.metadata @> jsonb_build_object('{{InsightFields.Topics}}', jsonb_build_array($8)))
                  AND (cardinality($9::text[]) = 0 OR (m.tags @> $9 AND m.tags <> '{}'))
                  AND ($10::boolean IS NULL OR jsonb_exists(m.provenance, '{{InsightFields.ExtractedFrom}}') = $10)
                  AND ($18::text IS NULL OR m.provenance #>> '{{{InsightFields.ExtractedFrom}},extractor}' = $18)
                  AND ($11::float8 IS NULL OR {{Quality}} >= $11)
                  AND ($12::timestamptz IS NULL OR m.occurred_at >= $12) AND ($13::timestamptz IS NULL OR m.occurred_at < $13)
                  AND ($14::timestamptz IS NULL OR (m.created_at, m.id) < ($14, $15))
                ORDER BY m.created_at DESC, m.id DESC LIMIT $16 + 1),
            sized AS (
                SELECT id, sum(size) OVER (ORDER BY created_at DESC, id DESC) - size AS before, row_number() OVER (ORDER BY created_at DESC, id DESC) AS ordinal,
                       count(*) OVER () AS found
                FROM page)
            SELECT {{MemoryRowStore.Columns}}, u.found, u.read, u.used_at, s.found
            FROM sized s JOIN memories m ON m.tenant_id = $1 AND m.id = s.id {{Used}}
            WHERE s.ordinal <= $16 AND s.before < $17
            ORDER BY s.ordinal
            """, db);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), new NpgsqlParameter<bool> { TypedValue = filter.IncludeSuperseded }, Text(filter.ProjectId), Text(filter.AgentId), Text(filter.SessionId),
            Text(filter.Source), Text(filter.InsightType), Text(filter.Topic), Texts(filter.Tags),
            new NpgsqlParameter { Value = (object?)filter.Extracted ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Boolean },
            new NpgsqlParameter { Value = (object?)filter.MinQuality ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Double },
            Time(filter.After), Time(filter.Before), Time(after?.CreatedAt), Uuid(after?.Id ?? Guid.Empty),
            new NpgsqlParameter<int> { TypedValue = limit }, new NpgsqlParameter<long> { TypedValue = MemoryReadStore.PageBytes }, Text(filter.Extractor),
        });
        var items = new List<Insight>();
        var found = 0L;
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            items.Add(Read(row));
            found = row.GetInt64(MemoryRowStore.ColumnCount + 3);
        }

        return (items, found > items.Count);
    }

    public async Task<long> CountAsync(SweepScope scope, CancellationToken ct)
    {
        await using var command = SqlText.Command($"SELECT count(*) FROM memories m WHERE {Swept}", db);
        AddScope(command, scope);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>The next messages of a sweep, in the order of their ids.</summary>
    public async Task<IReadOnlyList<SaidMessage>> NextAsync(SweepScope scope, Guid after, int limit, CancellationToken ct)
    {
        await using var command = SqlText.Command($"SELECT {Said} FROM memories m WHERE {Swept} AND m.id > $7 ORDER BY m.id LIMIT $8", db);
        AddScope(command, scope);
        command.Parameters.AddRange(new NpgsqlParameter[] { Uuid(after), new NpgsqlParameter<int> { TypedValue = limit } });
        return await ReadAsync(command, ct);
    }

    /// <summary>Reads messages, of which the command selects <see cref="Said"/>.</summary>
    public static async Task<IReadOnlyList<SaidMessage>> ReadAsync(NpgsqlCommand command, CancellationToken ct)
    {
        var messages = new List<SaidMessage>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            messages.Add(new SaidMessage(row.GetGuid(0), row.GetString(1), Name(row, 2), Name(row, 3), Name(row, 4), row.GetFieldValue<DateTimeOffset>(5)));
        }

        return messages;
    }

    // An assistant's turns; and imported texts, of which nobody knows who said them, where they are asked for.
    private const string Swept = """
        m.tenant_id = $1 AND m.deleted_at IS NULL
        AND ($2::text IS NULL OR m.session_id = $2) AND ($3::text IS NULL OR m.project_id = $3)
        AND ($4::timestamptz IS NULL OR m.occurred_at >= $4) AND ($5::timestamptz IS NULL OR m.occurred_at < $5)
        AND (EXISTS (SELECT FROM agent_conversations t WHERE t.tenant_id = m.tenant_id AND t.memory_id = m.id AND t.session_id = m.session_id AND t.role = 'assistant')
             OR ($6 AND m.source_system = 'session_buddy'))
        """;

    private void AddScope(NpgsqlCommand command, SweepScope scope) => command.Parameters.AddRange(new[]
    {
        Text(tenant.Current), Text(scope.SessionId), Text(scope.ProjectId), Time(scope.After), Time(scope.Before), new NpgsqlParameter<bool> { TypedValue = scope.IncludeImported },
    });

    private static Insight Read(NpgsqlDataReader row)
    {
        const int Next = MemoryRowStore.ColumnCount;
        return InsightFields.Of(
            MemoryRowStore.Read(row), row.IsDBNull(Next) ? 0 : row.GetInt64(Next), row.IsDBNull(Next + 1) ? 0 : row.GetInt64(Next + 1),
            row.IsDBNull(Next + 2) ? null : row.GetFieldValue<DateTimeOffset>(Next + 2));
    }

    private static string? Name(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}

using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using NpgsqlTypes;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>What a listing of memories shows.</summary>
internal sealed record MemoryFilter(
    string? Type, string? Source, string? ProjectId, string? AgentId, string? WorkflowId, string? RepoId, string? Path, string? SessionId, string[] Tags,
    DateTimeOffset? After, DateTimeOffset? Before, bool IncludeDeleted, bool IncludeSuperseded, DateTimeOffset? AsOf);

/// <summary>Memories by id, by filter, and as they were.</summary>
internal sealed class MemoryReadStore(NpgsqlDataSource db, TenantScope tenant)
{
    // A page of a thousand memories of 4 MiB would not fit anywhere: a page also ends when its contents reach this.
    public const long PageBytes = 16 * 1024 * 1024;

    public async Task<Memory?> FindAsync(Guid id, bool includeDeleted, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"SELECT {MemoryRowStore.Columns} FROM memories m WHERE m.tenant_id = $1 AND m.id = $2 AND ($3 OR m.deleted_at IS NULL)");
        command.Parameters.Add(Text(tenant.Current));
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = includeDeleted });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? MemoryRowStore.Read(row) : null;
    }

    private static readonly string Now = $"SELECT m.id, m.created_at, octet_length(m.content) AS size FROM memories m WHERE {Matches("m")}";

    // Most rows have not changed since and are asked as they are; the others are asked as they were.
    private static readonly string Then = $"""
        SELECT c.id, c.created_at, octet_length(c.content) AS size FROM memories c WHERE {Matches("c")} AND c.updated_at <= $19 AND {MemoryTimeStore.IsThere("c", "$19")}
        UNION ALL
        SELECT m.id, m.created_at, octet_length(m.content) FROM memories c CROSS JOIN LATERAL {State} m
        WHERE c.tenant_id = $1 AND c.updated_at > $19
          AND (least(c.created_at, c.occurred_at) <= $19 OR EXISTS (SELECT FROM memory_history h WHERE h.tenant_id = $1 AND h.memory_id = c.id AND h.changed_at > $19))
          AND {Matches("m")} AND {MemoryTimeStore.IsThere("m", "$19")}
        """;

    private static string State => $"jsonb_populate_record(NULL::memories, {MemoryTimeStore.Then("$19")})";

    private static string Matches(string row) => $$"""
        {{row}}.tenant_id = $1
        AND ($2::text IS NULL OR {{row}}.memory_type = $2) AND ($3::text IS NULL OR {{row}}.source_system = $3)
        AND ($4::text IS NULL OR {{row}}.project_id = $4) AND ($5::text IS NULL OR {{row}}.agent_id = $5)
        AND ($6::text IS NULL OR {{row}}.workflow_id = $6) AND ($7::text IS NULL OR {{row}}.repo_id = $7)
        AND ($8::text IS NULL OR {{row}}.metadata @> jsonb_build_object('path', $8)) AND ($9::text IS NULL OR {{row}}.session_id = $9)
        AND (cardinality($10::text[]) = 0 OR ({{row}}.tags @> $10 AND {{row}}.tags <> '{}'))
        AND ($11::timestamptz IS NULL OR {{row}}.occurred_at >= $11) AND ($12::timestamptz IS NULL OR {{row}}.occurred_at < $12)
        AND ($13 OR {{row}}.deleted_at IS NULL) AND ($18 OR {{row}}.superseded_by IS NULL)
        """;

    /// <summary>Newest arrivals first; with a time, those that were there then, as they were.</summary>
    /// <param name="after">The last one of the page before.</param>
    /// <returns>The page, and whether there is more.</returns>
    public async Task<(IReadOnlyList<Memory> Items, bool More)> ListAsync(MemoryFilter filter, (DateTimeOffset CreatedAt, Guid Id)? after, int limit, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            WITH page AS (
                SELECT id, created_at, size FROM ({(filter.AsOf is null ? Now : Then)}) there
                WHERE $14::timestamptz IS NULL OR (created_at, id) < ($14, $15)
                ORDER BY created_at DESC, id DESC LIMIT $16 + 1),
            sized AS (
                SELECT id, sum(size) OVER (ORDER BY created_at DESC, id DESC) - size AS before, row_number() OVER (ORDER BY created_at DESC, id DESC) AS ordinal,
                       count(*) OVER () AS found
                FROM page)
            SELECT {MemoryRowStore.Columns}, s.found
            FROM sized s JOIN {(filter.AsOf is null ? "memories m ON m.tenant_id = $1 AND m.id = s.id" : $"memories c ON c.tenant_id = $1 AND c.id = s.id CROSS JOIN LATERAL {State} m")}
            WHERE s.ordinal <= $16 AND s.before < $17
            ORDER BY s.ordinal
            """, db);
        command.Parameters.Add(Text(tenant.Current));
        foreach (var text in (ReadOnlySpan<string?>)[filter.Type, filter.Source, filter.ProjectId, filter.AgentId, filter.WorkflowId, filter.RepoId, filter.Path, filter.SessionId])
        {
            command.Parameters.Add(Text(text));
        }

        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = filter.Tags });
        command.Parameters.Add(Time(filter.After));
        command.Parameters.Add(Time(filter.Before));
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = filter.IncludeDeleted });
        command.Parameters.Add(Time(after?.CreatedAt));
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after?.Id ?? Guid.Empty });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = PageBytes });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = filter.IncludeSuperseded });
        if (filter.AsOf is { } time)
        {
            command.Parameters.Add(Time(time));
        }

        var items = new List<Memory>();
        var found = 0L;
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            items.Add(MemoryRowStore.Read(row));
            found = row.GetInt64(MemoryRowStore.ColumnCount);
        }

        return (items, found > items.Count);
    }

    /// <summary>Former states, the latest change first; null where there is no such memory.</summary>
    /// <param name="below">Versions below this one only.</param>
    public async Task<(IReadOnlyList<MemoryVersion> Items, bool More)?> HistoryAsync(Guid id, int? below, int limit, CancellationToken ct)
    {
        // The row as it was becomes a row of memories again, so that it is read as any other.
        await using var command = db.CreateCommand($"""
            WITH page AS (
                SELECT version, change, changed_at, memory, octet_length(memory ->> 'content') AS size FROM memory_history
                WHERE tenant_id = $1 AND memory_id = $2 AND ($3::int IS NULL OR version < $3)
                ORDER BY version DESC LIMIT $4 + 1),
            sized AS (
                SELECT *, sum(size) OVER (ORDER BY version DESC) - size AS before, row_number() OVER (ORDER BY version DESC) AS ordinal, count(*) OVER () AS found FROM page)
            SELECT {MemoryRowStore.Columns}, h.version, h.change, h.changed_at, h.found
            FROM sized h, jsonb_populate_record(NULL::memories, h.memory) m
            WHERE h.ordinal <= $4 AND h.before < $5
            ORDER BY h.ordinal
            """);
        command.Parameters.Add(Text(tenant.Current));
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)below ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = PageBytes });
        var items = new List<MemoryVersion>();
        var found = 0L;
        await using (var row = await command.ExecuteReaderAsync(ct))
        {
            while (await row.ReadAsync(ct))
            {
                const int Next = MemoryRowStore.ColumnCount;
                items.Add(new MemoryVersion(row.GetInt32(Next), row.GetString(Next + 1), row.GetFieldValue<DateTimeOffset>(Next + 2), MemoryRowStore.Read(row)));
                found = row.GetInt64(Next + 3);
            }
        }

        return items.Count > 0 || await FindAsync(id, includeDeleted: true, ct) is not null ? (items, found > items.Count) : null;
    }
}

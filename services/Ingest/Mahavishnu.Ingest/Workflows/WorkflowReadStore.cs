using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>What a list of executions shows.</summary>
internal sealed record WorkflowFilter(string? WorkflowId, string? Adapter, string? Status, string? ProjectId, string? RepoId, DateTimeOffset? After, DateTimeOffset? Before);

/// <summary>Executions by id and by filter. One whose memory was deleted is gone with it.</summary>
internal sealed class WorkflowReadStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>The executions (<c>w</c>) with their memories (<c>m</c>).</summary>
    public const string Rows = "workflow_executions w JOIN memories m ON m.tenant_id = w.tenant_id AND m.id = w.memory_id AND m.deleted_at IS NULL";

    /// <summary>The select list that <see cref="Read"/> reads.</summary>
    public const string Columns = $"""
        w.id, w.workflow_id, w.adapter, w.status, w.repos, w.goal, w.input, w.result, w.error_message, w.started_at, w.finished_at, w.duration_seconds, w.created_at, w.memory_id,
        m.project_id, m.session_id, m.agent_id, m.tags, m.metadata, {MemoryRowStore.EmbeddingState}
        """;

    private const int ColumnCount = 20;

    public async Task<WorkflowExecution?> FindAsync(Guid id, CancellationToken ct)
    {
        await using var command = SqlText.Command($"SELECT {Columns} FROM {Rows} WHERE w.tenant_id = $1 AND w.id = $2", db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    /// <summary>Newest arrivals first.</summary>
    /// <param name="from">The last one of the page before.</param>
    /// <returns>The page, and whether there is more.</returns>
    public async Task<(IReadOnlyList<WorkflowExecution> Items, bool More)> ListAsync(WorkflowFilter filter, (DateTimeOffset CreatedAt, Guid Id)? from, int limit, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            WITH page AS (
                SELECT w.id, w.created_at,
                       coalesce(octet_length(w.input::text), 0) + coalesce(octet_length(w.result::text), 0) + coalesce(octet_length(w.error_message), 0) + octet_length(w.goal) AS size
                FROM {Rows}
                WHERE w.tenant_id = $1
                  AND ($2::text IS NULL OR w.workflow_id = $2) AND ($3::text IS NULL OR w.adapter = $3) AND ($4::text IS NULL OR w.status = $4)
                  AND ($5::text IS NULL OR m.project_id = $5) AND ($6::text IS NULL OR $6 = ANY(w.repos))
                  AND ($7::timestamptz IS NULL OR m.occurred_at >= $7) AND ($8::timestamptz IS NULL OR m.occurred_at < $8)
                  AND ($9::timestamptz IS NULL OR (w.created_at, w.id) < ($9, $10))
                ORDER BY w.created_at DESC, w.id DESC LIMIT $11 + 1),
            sized AS (
                SELECT id, sum(size) OVER (ORDER BY created_at DESC, id DESC) - size AS before, row_number() OVER (ORDER BY created_at DESC, id DESC) AS ordinal,
                       count(*) OVER () AS found
                FROM page)
            SELECT {Columns}, s.found
            FROM sized s JOIN ({Rows}) ON w.tenant_id = $1 AND w.id = s.id
            WHERE s.ordinal <= $11 AND s.before < $12
            ORDER BY s.ordinal
            """, db);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Text(filter.WorkflowId), Text(filter.Adapter), Text(filter.Status), Text(filter.ProjectId), Text(filter.RepoId), Time(filter.After), Time(filter.Before),
            Time(from?.CreatedAt), Uuid(from?.Id ?? Guid.Empty), new NpgsqlParameter<int> { TypedValue = limit }, new NpgsqlParameter<long> { TypedValue = MemoryReadStore.PageBytes },
        });
        var items = new List<WorkflowExecution>();
        var found = 0L;
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            items.Add(Read(row));
            found = row.GetInt64(ColumnCount);
        }

        return (items, found > items.Count);
    }

    /// <summary>Reads the current row, whose first columns are <see cref="Columns"/>.</summary>
    public static WorkflowExecution Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetGuid(0),
        WorkflowId = row.GetString(1),
        Adapter = row.GetString(2),
        Status = row.GetString(3),
        Repos = row.GetFieldValue<string[]>(4),
        Goal = row.GetString(5),
        Input = JsonAt(row, 6),
        Result = JsonAt(row, 7),
        Error = TextAt(row, 8),
        StartedAt = TimeAt(row, 9),
        FinishedAt = TimeAt(row, 10),
        DurationSeconds = row.IsDBNull(11) ? null : row.GetDouble(11),
        CreatedAt = TimeAt(row, 12)!.Value,
        MemoryId = row.GetGuid(13),
        ProjectId = TextAt(row, 14),
        SessionId = TextAt(row, 15),
        AgentId = TextAt(row, 16),
        Tags = row.GetFieldValue<string[]>(17),
        Metadata = JsonElement.Parse(row.GetString(18)),
        Embedding = row.GetString(19),
    };

    private static string? TextAt(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static JsonElement? JsonAt(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : JsonElement.Parse(row.GetString(column));

    private static DateTimeOffset? TimeAt(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}

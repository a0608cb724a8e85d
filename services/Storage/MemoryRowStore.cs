using System.Text.Json;
using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>How a row of <c>memories</c> becomes a <see cref="Memory"/>: the columns to select (table alias <c>m</c>) and their reader, kept together.</summary>
public static class MemoryRowStore
{
    /// <summary>One of <see cref="EmbeddingStates"/>, as a column. Not in the queue is <c>ready</c> only where the active space has been filled so far.</summary>
    public const string EmbeddingState = """
        coalesce(
            (SELECT CASE WHEN q.failed_at IS NULL THEN 'pending' ELSE 'failed' END
             FROM embedding_queue q JOIN embedding_spaces s ON s.id = q.space_id AND s.state = 'active'
             WHERE q.tenant_id = m.tenant_id AND q.memory_id = m.id),
            (SELECT 'ready' FROM embedding_spaces s WHERE s.state = 'active' AND (s.filled_at IS NOT NULL OR m.id <= s.fill_cursor)),
            'pending')
        """;

    /// <summary>The select list; the row's alias must be <c>m</c>.</summary>
    public const string Columns = $"""
        m.id, m.memory_type, m.source_system, m.title, m.content, m.tags, m.project_id, m.agent_id, m.workflow_id, m.repo_id, m.session_id,
        m.metadata, m.occurred_at, m.created_at, m.updated_at, m.expires_at, m.version, m.superseded_by, m.deleted_at, nullif(m.provenance, '{"{}"}'),
        {EmbeddingState}, m.superseded_at
        """;

    /// <summary>How many columns <see cref="Columns"/> selects: what follows them in a row starts here.</summary>
    public const int ColumnCount = 22;

    /// <summary>Reads the current row, whose first columns are <see cref="Columns"/>.</summary>
    public static Memory Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetGuid(0),
        Type = row.GetString(1),
        Source = row.GetString(2),
        Title = Text(row, 3),
        Content = row.GetString(4),
        Tags = row.GetFieldValue<string[]>(5),
        ProjectId = Text(row, 6),
        AgentId = Text(row, 7),
        WorkflowId = Text(row, 8),
        RepoId = Text(row, 9),
        SessionId = Text(row, 10),
        Metadata = Json(row, 11),
        OccurredAt = Time(row, 12)!.Value,
        CreatedAt = Time(row, 13)!.Value,
        UpdatedAt = Time(row, 14)!.Value,
        ExpiresAt = Time(row, 15),
        Version = row.GetInt32(16),
        SupersededBy = row.IsDBNull(17) ? null : row.GetGuid(17),
        DeletedAt = Time(row, 18),
        Provenance = row.IsDBNull(19) ? null : Json(row, 19),
        Embedding = row.GetString(20),
        SupersededAt = Time(row, 21),
    };

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static JsonElement Json(NpgsqlDataReader row, int column) => JsonElement.Parse(row.GetString(column));

    private static DateTimeOffset? Time(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}

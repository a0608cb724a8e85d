using Npgsql;
using NpgsqlTypes;

namespace Mahavishnu.Storage;

/// <summary>Puts the memories that were there before a space into its queue, page by page; begun again anywhere, it goes on where it was.</summary>
public sealed class EmbeddingFillStore(NpgsqlDataSource db, TenantScope tenant, EmbeddingSpaceStore spaces)
{
    // Behind every id: all that was there has been queued.
    private static readonly Guid Past = Guid.AllBitsSet;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Begins a run over a space: from its cursor, or from the start where it has been filled before (then what is missing is found). Every writer that does not write for the space yet has ended.</summary>
    /// <returns>Null where the space is gone. Otherwise where to go on, and how many memories lie before that and in all.</returns>
    public async Task<(Guid? Cursor, long Passed, long Total)?> BeginAsync(EmbeddingSpace space, CancellationToken ct)
    {
        while (!await spaces.WaitForWritersAsync(Patience, ct))
        {
        }

        await using var command = db.CreateCommand("""
            WITH begun AS (
                UPDATE embedding_spaces SET fill_cursor = CASE WHEN filled_at IS NULL THEN fill_cursor END
                WHERE id = $2 AND state <> 'dropping' RETURNING fill_cursor)
            SELECT fill_cursor, (SELECT count(*) FROM memories m WHERE m.tenant_id = $1 AND m.id <= fill_cursor), (SELECT count(*) FROM memories WHERE tenant_id = $1)
            FROM begun
            """);
        command.CommandTimeout = 0;
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? (row.IsDBNull(0) ? null : row.GetGuid(0), row.GetInt64(1), row.GetInt64(2)) : null;
    }

    /// <summary>Queues the next memories that have no vector in the space, and moves its cursor along, in one statement.</summary>
    /// <param name="after">The cursor of the page before.</param>
    /// <param name="trace">Who asked for it: <see cref="TraceText"/>.</param>
    /// <returns>Null where the space is gone.</returns>
    public async Task<FillPage?> QueueNextAsync(EmbeddingSpace space, Guid? after, int size, CancellationToken ct, string? trace = null)
    {
        await using var command = db.CreateCommand($"""
            WITH target AS MATERIALIZED (SELECT id FROM embedding_spaces WHERE id = $2 AND state <> 'dropping'),
            page AS MATERIALIZED (
                SELECT id, deleted_at FROM memories WHERE tenant_id = $1 AND ($3::uuid IS NULL OR id > $3) ORDER BY id LIMIT $4),
            queued AS (
                INSERT INTO embedding_queue (tenant_id, memory_id, space_id, trace)
                SELECT $1, p.id, t.id, $6 FROM page p CROSS JOIN target t
                WHERE p.deleted_at IS NULL AND NOT EXISTS (SELECT FROM {space.Table} e WHERE e.tenant_id = $1 AND e.memory_id = p.id)
                ON CONFLICT DO NOTHING
                RETURNING 1),
            moved AS (
                UPDATE embedding_spaces SET fill_cursor = coalesce((SELECT id FROM page ORDER BY id DESC LIMIT 1), $5)
                WHERE id = (SELECT id FROM target)
                RETURNING fill_cursor)
            SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM queued), fill_cursor, now() FROM moved
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)after ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = size });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Past });
        command.Parameters.Add(SqlParameters.Text(trace));
        try
        {
            await using var row = await command.ExecuteReaderAsync(ct);
            return await row.ReadAsync(ct) ? new FillPage((int)row.GetInt64(0), (int)row.GetInt64(1), row.GetGuid(2), row.GetFieldValue<DateTimeOffset>(3)) : null;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return null;
        }
    }

    /// <summary>After the last page: what was deleted while it was queued leaves nothing behind.</summary>
    public async Task SweepAsync(EmbeddingSpace space, CancellationToken ct)
    {
        while (!await spaces.WaitForWritersAsync(Patience, ct))
        {
        }

        await spaces.SweepAsync(space, ct);
    }

    /// <summary>Calls the space filled once nothing that was queued until <paramref name="at"/> waits any more; what was given up on does not wait.</summary>
    /// <param name="at">Time of the last page.</param>
    public async Task<bool> FinishAsync(EmbeddingSpace space, DateTimeOffset at, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            UPDATE embedding_spaces SET filled_at = coalesce(filled_at, now())
            WHERE id = $1 AND state <> 'dropping' AND NOT EXISTS (SELECT FROM embedding_queue WHERE space_id = $1 AND failed_at IS NULL AND enqueued_at <= $2)
            """);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = at.ToUniversalTime() });
        return await command.ExecuteNonQueryAsync(ct) > 0;
    }

    /// <summary>How many memories of the space are among the dead letters.</summary>
    public async Task<long> CountFailedAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT count(*) FROM embedding_queue WHERE tenant_id = $1 AND failed_at IS NOT NULL AND space_id = $2");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }
}

using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>A space on its way out, beside writers that never stop.</summary>
public sealed partial class EmbeddingSpaceStore
{
    // Queue entries of a space deleted in one transaction: whoever deletes a memory wants its entries of all spaces, and waits no longer than this takes.
    private const int DropBatch = 5_000;

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    /// <summary>Takes a space away with its vectors, queue and cache; gives the disk back. One that was begun before and cut short is ended.</summary>
    /// <remarks>
    /// First nobody writes for it any more (state <c>dropping</c>), then those that still do are waited for, then it goes. No statement of a writer
    /// ever waits for more than a moment, and none meets a table that is gone.
    /// </remarks>
    public async Task<SpaceDrop> DropAsync(short id, CancellationToken ct)
    {
        if (await LeaveAsync(id, ct) is not { } space)
        {
            return await FindAsync(id, ct) is null ? SpaceDrop.Missing : SpaceDrop.Active;
        }

        while (!await WaitForWritersAsync(Patience, ct))
        {
        }

        await TransientRetry.RunAsync(
            async token =>
            {
                await ClearQueueAsync(space, token);
                return true;
            },
            ct);
        // Its indexes go with it: not beside whoever builds one.
        await using var alone = await VectorIndexLockStore.TakeAsync(db, space, ct);
        while (!await TryRemoveAsync(alone.Connection, space, ct))
        {
            await Task.Delay(LookAgain, ct);
        }

        return SpaceDrop.Dropped;
    }

    /// <summary>Waits until every transaction that is writing memories now has ended: whoever begins later sees the spaces as they are now. Nobody waits for the one who waits.</summary>
    /// <returns>False where some still write after <paramref name="atMost"/>.</returns>
    public async Task<bool> WaitForWritersAsync(TimeSpan atMost, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        for (var writers = await WritersAsync(null, ct); writers.Length > 0; writers = await WritersAsync(writers, ct))
        {
            if (Stopwatch.GetElapsedTime(began) >= atMost)
            {
                return false;
            }

            await Task.Delay(LookAgain, ct);
        }

        return true;
    }

    /// <summary>Takes away what no memory stands behind: a memory deleted in the very moment it was queued for a new space.</summary>
    internal async Task SweepAsync(EmbeddingSpace space, CancellationToken ct)
    {
        foreach (var table in (string[])["embedding_queue", space.Table])
        {
            await using var command = SqlText.Command($"""
                DELETE FROM {table} v WHERE {(table == space.Table ? "true" : $"v.space_id = {space.Id.ToString(CultureInfo.InvariantCulture)}")}
                  AND NOT EXISTS (SELECT FROM memories m WHERE m.tenant_id = v.tenant_id AND m.id = v.memory_id AND m.deleted_at IS NULL)
                """, db);
            command.CommandTimeout = 0;
            try
            {
                await command.ExecuteNonQueryAsync(ct);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
            {
                // It has just been dropped.
            }
        }
    }

    private async Task<EmbeddingSpace?> LeaveAsync(short id, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"UPDATE embedding_spaces SET state = 'dropping' WHERE id = $1 AND state <> 'active' RETURNING {Columns}");
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = id });
        return await ReadOneAsync(command, ct);
    }

    // A statement locks its tables before it looks at the rows, and holds the lock to the end of its transaction: who does not see a
    // space that has just been made (or left) is among these.
    private async Task<string[]> WritersAsync(string[]? among, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            SELECT coalesce(array_agg(DISTINCT virtualtransaction), '{}') FROM pg_locks
            WHERE locktype = 'relation' AND relation = 'memories'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND mode = 'RowExclusiveLock' AND granted AND ($1::text[] IS NULL OR virtualtransaction = ANY($1))
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)among ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Text });
        return (string[])(await command.ExecuteScalarAsync(ct))!;
    }

    private async Task ClearQueueAsync(EmbeddingSpace space, CancellationToken ct)
    {
        int deleted;
        do
        {
            await using var command = db.CreateCommand("DELETE FROM embedding_queue WHERE ctid = ANY (ARRAY(SELECT ctid FROM embedding_queue WHERE space_id = $1 LIMIT $2)) AND space_id = $1");
            command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = DropBatch });
            deleted = await command.ExecuteNonQueryAsync(ct);
        }
        while (deleted > 0);
    }

    /// <returns>False where somebody still reads or writes the table: a worker that hands in, a search that began before.</returns>
    private static async Task<bool> TryRemoveAsync(NpgsqlConnection connection, EmbeddingSpace space, CancellationToken ct)
    {
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(ct);
            // The queue's rows go before the table: a worker takes them in the same order, so neither waits for the other in a circle.
            await ExecuteAsync(transaction, $"""
                SET LOCAL lock_timeout = '1s';
                DELETE FROM embedding_spaces WHERE id = {space.Id.ToString(CultureInfo.InvariantCulture)} AND state = 'dropping';
                DROP TABLE IF EXISTS {space.Table}
                """, ct);
            await transaction.CommitAsync(ct);
            return true;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
        {
            return false;
        }
    }
}

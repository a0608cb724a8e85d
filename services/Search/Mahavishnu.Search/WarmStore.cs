using System.Diagnostics;
using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.Search;

/// <summary>Brings what searches read into memory before the first one comes.</summary>
internal sealed class WarmStore(NpgsqlDataSource db, TenantScope tenant)
{
    // 128 MB of pages at a time, so that it can end in time.
    private const int Pages = 16_384;

    /// <summary>
    /// Reads the indexes and tables of a search into the server's buffers, the most useful first, as far as three quarters of them hold and the time allows; where the extension <c>pg_prewarm</c> is
    /// installed.
    /// </summary>
    /// <returns>How many were read; null: it is not installed.</returns>
    public async Task<int?> ReadAsync(EmbeddingSpace? space, TimeSpan longest, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        await using var connection = await db.OpenConnectionAsync(ct);
        await using (var installed = new NpgsqlCommand("SELECT EXISTS (SELECT FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = 'pg_prewarm' AND n.nspname = 'public')", connection))
        {
            if (await installed.ExecuteScalarAsync(ct) is not true)
            {
                return null;
            }
        }

        var read = 0;
        foreach (var (relation, pages) in await FittingAsync(connection, space, ct))
        {
            for (long page = 0; page < pages; page += Pages)
            {
                if (Stopwatch.GetElapsedTime(started) > longest)
                {
                    return read;
                }

                await using var command = new NpgsqlCommand("SELECT public.pg_prewarm($1::oid::regclass, 'buffer', 'main', $2, $3)", connection);
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = relation });
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = page });
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Math.Min(page + Pages, pages) - 1 });
                await command.ExecuteNonQueryAsync(ct);
            }

            read++;
        }

        return read;
    }

    private static async Task<IReadOnlyList<(long Relation, long Pages)>> FittingAsync(NpgsqlConnection connection, EmbeddingSpace? space, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            SELECT r.oid::bigint, r.bytes / current_setting('block_size')::bigint
            FROM (
                SELECT c.oid, n.place, pg_relation_size(c.oid) AS bytes, sum(pg_relation_size(c.oid)) OVER (ORDER BY n.place) AS so_far
                FROM unnest($1) WITH ORDINALITY AS n(name, place) JOIN pg_class c ON c.oid = to_regclass(n.name)) r
            WHERE r.so_far <= pg_size_bytes(current_setting('shared_buffers')) * 3 / 4
            ORDER BY r.place
            """, connection);
        // Of the vectors themselves a search reads as many as it has candidates; of the memories, as many as its words bring up: thousands.
        string[] names = space is null
            ? ["memories_pkey", "memories_words", "memories"]
            : [space.Table + "_pkey", "memories_pkey", "memories_words", space.Index, "memories", space.Table];
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = names });
        var fitting = new List<(long, long)>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            fitting.Add((row.GetInt64(0), row.GetInt64(1)));
        }

        return fitting;
    }

    /// <summary>Memories from all over the store, to search for more like them: they lead through the index as questions will.</summary>
    public async Task<IReadOnlyList<Guid>> SampleAsync(EmbeddingSpace space, int count, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            SELECT e.memory_id FROM {space.Table} e TABLESAMPLE SYSTEM (least(100, 100.0 * 10 * $2 / greatest(1, (SELECT reltuples FROM pg_class WHERE oid = $3::regclass))))
            WHERE e.tenant_id = $1 LIMIT $2
            """, db);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = count });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = space.Table });
        var ids = new List<Guid>(count);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            ids.Add(row.GetGuid(0));
        }

        return ids;
    }
}

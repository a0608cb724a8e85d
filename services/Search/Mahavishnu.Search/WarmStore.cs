using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.Search;

/// <summary>Brings what searches read into memory before the first one comes.</summary>
internal sealed class WarmStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>Reads the indexes and tables of a search into the server's buffers, the most useful first, as far as half of them hold; where the extension <c>pg_prewarm</c> is installed.</summary>
    /// <returns>How many were read; null: it is not installed.</returns>
    public async Task<int?> ReadAsync(EmbeddingSpace? space, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using (var installed = new NpgsqlCommand("SELECT n.nspname FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = 'pg_prewarm' AND n.nspname = 'public'", connection))
        {
            if (await installed.ExecuteScalarAsync(ct) is null)
            {
                return null;
            }
        }

        await using var read = new NpgsqlCommand("""
            SELECT count(public.pg_prewarm(r.oid))::int
            FROM (
                SELECT c.oid, sum(pg_relation_size(c.oid)) OVER (ORDER BY n.place) AS bytes
                FROM unnest($1) WITH ORDINALITY AS n(name, place) JOIN pg_class c ON c.oid = to_regclass(n.name)) r
            WHERE r.bytes <= pg_size_bytes(current_setting('shared_buffers')) / 2
            """, connection);
        string[] vectors = space is null ? [] : [space.Index, space.Table + "_pkey", space.Table];
        read.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. vectors, "memories_pkey", "memories_words", "memories"] });
        return (int)(await read.ExecuteScalarAsync(ct))!;
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

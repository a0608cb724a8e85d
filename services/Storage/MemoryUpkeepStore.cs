using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>What PostgreSQL does for the memories' indexes by and by, done as soon as much was written: searches feel the difference at once.</summary>
public sealed class MemoryUpkeepStore(NpgsqlDataSource db)
{
    // As autovacuum reckons, which looks once a minute.
    private const int LeastChanges = 1_000;

    /// <summary>Rows written, changed and removed since the server began to count; what two looks differ by was done between them.</summary>
    public async Task<long> CountChangesAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_all_tables WHERE relid = 'memories'::regclass");
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Puts the words and metadata of new rows into their indexes proper (every search reads what waits from its beginning to its end), and counts the words anew where a tenth of the rows is others.</summary>
    /// <returns>Whether the words were counted.</returns>
    public async Task<bool> TidyAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using (var clean = new NpgsqlCommand("SELECT gin_clean_pending_list('memories_words'), gin_clean_pending_list('memories_metadata'), gin_clean_pending_list('memories_tags')", connection))
        {
            await clean.ExecuteNonQueryAsync(ct);
        }

        await using var changed = new NpgsqlCommand("SELECT n_mod_since_analyze > greatest($1, n_live_tup / 10) FROM pg_stat_all_tables WHERE relid = 'memories'::regclass", connection);
        changed.Parameters.Add(new NpgsqlParameter<int> { TypedValue = LeastChanges });
        if (await changed.ExecuteScalarAsync(ct) is not true)
        {
            return false;
        }

        await using var analyze = new NpgsqlCommand("ANALYZE memories", connection);
        await analyze.ExecuteNonQueryAsync(ct);
        return true;
    }
}

using Npgsql;
using NpgsqlTypes;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>What there is of a space's index in the database.</summary>
/// <param name="Valid">It is there and whole: one whose build was cut short is neither used nor trusted.</param>
/// <param name="Serves">It is valid, and searches are told to use it.</param>
/// <param name="Leftovers">Something of an earlier build is still there beside it.</param>
/// <param name="Gone">Vectors ever deleted or replaced, as PostgreSQL counts them.</param>
/// <param name="Bytes">Its size on disk.</param>
public sealed record VectorIndexLook(bool Valid, bool Serves, bool Leftovers, long Gone, long Bytes);

/// <summary>Whether a space's vectors have an index, and how one comes and goes without stopping anybody. Whoever changes something waits until nobody else does, in this process or another.</summary>
public sealed partial class VectorIndexStore(NpgsqlDataSource db, TimeProvider? time = null)
{
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>Rows of the space, as PostgreSQL last counted them (exact where it never did).</summary>
    public async Task<long> EstimateRowsAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"""
            SELECT CASE WHEN n_live_tup > 0 THEN n_live_tup ELSE (SELECT count(*) FROM {space.Table}) END
            FROM pg_stat_user_tables WHERE relid = '{space.Table}'::regclass
            """);
        return await command.ExecuteScalarAsync(ct) as long? ?? 0;
    }

    /// <summary>Looks what there is.</summary>
    public async Task<VectorIndexLook> LookAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        return await LookAsync(connection, space, ct);
    }

    private static async Task<VectorIndexLook> LookAsync(NpgsqlConnection connection, EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            SELECT coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)), false),
                   coalesce((SELECT index_state = 'ready' FROM embedding_spaces WHERE id = $5), false),
                   to_regclass($2) IS NOT NULL OR to_regclass($3) IS NOT NULL,
                   coalesce(pg_stat_get_tuples_deleted(t) + pg_stat_get_tuples_updated(t) - pg_stat_get_tuples_hot_updated(t), 0),
                   coalesce(pg_relation_size(to_regclass($1)), 0)
            FROM to_regclass($4) AS t
            """, connection);
        command.Parameters.Add(Text(space.Index));
        command.Parameters.Add(Text(NewOf(space)));
        command.Parameters.Add(Text(OldOf(space)));
        command.Parameters.Add(Text(space.Table));
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        var valid = row.GetBoolean(0);
        return new VectorIndexLook(valid, valid && row.GetBoolean(1), row.GetBoolean(2), row.GetInt64(3), row.GetInt64(4));
    }

    /// <summary>Whether somebody, in whatever process, is building or clearing away now.</summary>
    public Task<bool> IsAtWorkAsync(EmbeddingSpace space, CancellationToken ct) => VectorIndexLockStore.IsTakenAsync(db, space, ct);

    /// <summary>Removes the index, so that a load larger than what is there is not put in one graph step at a time; search is exact until it is built again.</summary>
    /// <param name="wanted">From now on what this space is to have; null: as before.</param>
    public async Task DropAsync(EmbeddingSpace space, VectorIndexSpec? wanted, CancellationToken ct)
    {
        await using var alone = await VectorIndexLockStore.TakeAsync(db, space, ct);
        await SetAsync(alone.Connection, space, "none", wanted, ct);
        await DropAsync(alone.Connection, [NewOf(space), OldOf(space), space.Index], ct);
    }

    /// <summary>Removes what earlier builds left beside the index.</summary>
    public async Task ClearAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var alone = await VectorIndexLockStore.TakeAsync(db, space, ct);
        await DropAsync(alone.Connection, [NewOf(space), OldOf(space)], ct);
    }

    /// <summary>Keeps what a space is to have, once it has vectors enough.</summary>
    public async Task WantAsync(EmbeddingSpace space, VectorIndexSpec wanted, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await SetAsync(connection, space, null, wanted, ct);
    }

    /// <summary>From now on searches read so many lists of the index that is there.</summary>
    public async Task ProbeAsync(EmbeddingSpace space, VectorIndexSpec wanted, int probes, CancellationToken ct)
    {
        await using var batch = db.CreateBatch();
        batch.BatchCommands.Add(SetCommand(space, null, wanted));
        var probe = new NpgsqlBatchCommand("UPDATE embedding_spaces SET index_probes = $2 WHERE id = $1");
        probe.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        probe.Parameters.Add(new NpgsqlParameter<int> { TypedValue = probes });
        batch.BatchCommands.Add(probe);
        await batch.ExecuteNonQueryAsync(ct);
    }

    // Built beside the index that serves, under this name; that one is called old until it is gone.
    private static string NewOf(EmbeddingSpace space) => space.Index + "_new";

    private static string OldOf(EmbeddingSpace space) => space.Index + "_old";

    private static async Task SetAsync(NpgsqlConnection connection, EmbeddingSpace space, string? state, VectorIndexSpec? wanted, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(SetCommand(space, state, wanted));
        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <param name="state">Null: as it is.</param>
    /// <param name="wanted">Null: as before.</param>
    private static NpgsqlBatchCommand SetCommand(EmbeddingSpace space, string? state, VectorIndexSpec? wanted)
    {
        var command = new NpgsqlBatchCommand("""
            UPDATE embedding_spaces SET
                index_state = coalesce($2, index_state), index_kind = CASE WHEN $2 = 'none' THEN NULL ELSE index_kind END,
                wanted_index = coalesce($3, wanted_index),
                wanted_lists = CASE WHEN $3 IS NULL THEN wanted_lists ELSE $4 END, wanted_probes = CASE WHEN $3 IS NULL THEN wanted_probes ELSE $5 END
            WHERE id = $1
            """);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        command.Parameters.Add(Text(state));
        command.Parameters.Add(Text(wanted?.Kind));
        command.Parameters.Add(Int(wanted?.Lists));
        command.Parameters.Add(Int(wanted?.Probes));
        return command;
    }

    private static NpgsqlParameter Int(int? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer };

    private static async Task DropAsync(NpgsqlConnection connection, IEnumerable<string> indexes, CancellationToken ct)
    {
        foreach (var index in indexes)
        {
            await ExecuteAsync(connection, $"DROP INDEX CONCURRENTLY IF EXISTS {index}", ct);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = SqlText.Command(sql, connection);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }
}

using System.Data.Common;
using System.Globalization;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>How far a build is.</summary>
/// <param name="Total">0 while it is not known.</param>
/// <param name="Phase">As PostgreSQL calls it, e.g. <c>building index: loading tuples</c>.</param>
public sealed record IndexProgress(long Done, long Total, string Phase);

/// <summary>The build: beside running reads and writes, and beside the index that serves until the new one can.</summary>
public sealed partial class VectorIndexStore
{
    // Parallel HNSW builds overflow a buffer before pgvector 0.8.2.
    private static readonly Version ParallelBuildIsSafe = new(0, 8, 2);

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(500);

    // A search knows for a second which index a space has: so long, and some more, it must find the one it knows.
    private static readonly TimeSpan KnownFor = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Builds an index and has searches use it from then on, once nobody else builds or clears away one of this space. What was left half-built is removed first;
    /// an index that serves is replaced only by the whole new one. A space that had none is <c>building</c> meanwhile.
    /// </summary>
    /// <param name="wanted">Whether this is what the space is to have from now on, whatever the settings say.</param>
    /// <param name="memory">Working memory of the build, such as <c>512MB</c>: a graph that outgrows it takes more than twice as long.</param>
    /// <param name="report">Told how far it is, twice a second.</param>
    public async Task<BuiltIndex> BuildAsync(
        EmbeddingSpace space, VectorIndexSpec spec, string memory, bool wanted = false, Action<IndexProgress>? report = null, CancellationToken ct = default)
    {
        await using var alone = await VectorIndexLockStore.TakeAsync(db, space, ct);
        var connection = alone.Connection;
        // Not as the caller knows it: whoever was waited for may have built one.
        var look = await LookAsync(connection, space, ct);
        if (!look.Serves)
        {
            await SetAsync(connection, space, "building", null, ct);
        }

        BuiltIndex? built = null;
        try
        {
            await PrepareAsync(connection, memory, ct);
            // Counted: right after a load the estimate lags behind, and decides how many lists there are.
            await using var count = SqlText.Command($"SELECT count(*) FROM {space.Table}", connection);
            var index = spec.For((long)(await count.ExecuteScalarAsync(ct))!) with { Gone = look.Gone };
            await DropAsync(connection, look.Serves ? [NewOf(space), OldOf(space)] : [NewOf(space), OldOf(space), space.Index], ct);
            await ReportUntilAsync(
                ExecuteAsync(connection, $"CREATE INDEX CONCURRENTLY {NewOf(space)} ON {space.Table} USING {space.IndexSql(index)}", ct), space, report, ct);
            built = await SwapAsync(connection, space, index, wanted ? spec : null, ct);
            await ExecuteAsync(connection, $"ANALYZE {space.Table}", ct);
            if (look.Serves)
            {
                await Task.Delay(KnownFor, _time, ct);
                await DropAsync(connection, [OldOf(space)], ct);
            }

            return built;
        }
        catch (Exception e) when (built is not null && e is DbException or OperationCanceledException)
        {
            // Searches use the new one; whoever looks after the indexes clears the rest away.
            return built;
        }
        finally
        {
            if (built is null && !look.Serves)
            {
                // Half an index answers nothing: until the next build, search is exact. The session that was to build may be what failed.
                await using var another = await db.OpenConnectionAsync(CancellationToken.None);
                await SetAsync(another, space, "none", null, CancellationToken.None);
            }
        }
    }

    private static async Task PrepareAsync(NpgsqlConnection connection, string memory, CancellationToken ct)
    {
        var workers = await PgvectorVersionAsync(connection, ct) >= ParallelBuildIsSafe ? 2 : 0;
        await using (var settings = new NpgsqlCommand("""
            SELECT set_config('maintenance_work_mem', $1, false), set_config('max_parallel_maintenance_workers', $2, false),
                   set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)
            """, connection))
        {
            settings.Parameters.Add(Text(memory));
            settings.Parameters.Add(Text(workers.ToString(CultureInfo.InvariantCulture)));
            await settings.ExecuteNonQueryAsync(ct);
        }

        try
        {
            // A build whose process was killed ends with it, or the next one would wait until it is through.
            await ExecuteAsync(connection, "SET client_connection_check_interval = '5s'", ct);
        }
        catch (PostgresException)
        {
            // Not on every system that PostgreSQL runs on; there the next build waits.
        }
    }

    /// <summary>One transaction: whoever looks sees the old index under its name, or the new one.</summary>
    private static async Task<BuiltIndex> SwapAsync(NpgsqlConnection connection, EmbeddingSpace space, BuiltIndex index, VectorIndexSpec? wanted, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync(connection, $"ALTER INDEX IF EXISTS {space.Index} RENAME TO {OldOf(space)}; ALTER INDEX {NewOf(space)} RENAME TO {space.Index}", ct);
        await using var batch = new NpgsqlBatch(connection, transaction);
        batch.BatchCommands.Add(SetCommand(space, "ready", wanted));
        var keep = new NpgsqlBatchCommand("""
            UPDATE embedding_spaces SET index_kind = $2, index_lists = $3, index_probes = $4, index_gone = $5, index_built_at = now(),
                index_rows = (SELECT greatest(c.reltuples, 0)::bigint FROM pg_class c WHERE c.oid = to_regclass($6))
            WHERE id = $1 RETURNING index_rows, index_built_at
            """);
        keep.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        keep.Parameters.Add(Text(index.Kind));
        keep.Parameters.Add(Int(index.Lists));
        keep.Parameters.Add(Int(index.Probes));
        keep.Parameters.Add(new NpgsqlParameter<long> { TypedValue = index.Gone ?? 0 });
        keep.Parameters.Add(Text(space.Index));
        batch.BatchCommands.Add(keep);
        await using (var row = await batch.ExecuteReaderAsync(ct))
        {
            if (await row.ReadAsync(ct))
            {
                index = index with { Rows = row.GetInt64(0), BuiltAt = row.GetFieldValue<DateTimeOffset>(1) };
            }
        }

        await transaction.CommitAsync(ct);
        return index;
    }

    private async Task ReportUntilAsync(Task build, EmbeddingSpace space, Action<IndexProgress>? report, CancellationToken ct)
    {
        while (report is not null && await Task.WhenAny(build, Task.Delay(BetweenLooks, CancellationToken.None)) != build)
        {
            try
            {
                if (await ProgressAsync(space, ct) is { } progress)
                {
                    report(progress);
                }
            }
            catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
            {
                // The build has the connection until it ends; what ends it, it says itself.
            }
        }

        await build;
    }

    private async Task<IndexProgress?> ProgressAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT tuples_done, tuples_total, phase FROM pg_stat_progress_create_index WHERE relid = to_regclass($1)");
        command.Parameters.Add(Text(space.Table));
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new IndexProgress(row.GetInt64(0), row.GetInt64(1), row.GetString(2)) : null;
    }

    private static async Task<Version> PgvectorVersionAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT extversion FROM pg_extension WHERE extname = 'vector'", connection);
        return Version.Parse((string)(await command.ExecuteScalarAsync(ct))!);
    }
}

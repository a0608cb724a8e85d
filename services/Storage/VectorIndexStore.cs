using System.Globalization;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>Whether a space's vectors have an index, and how one comes and goes without stopping anybody.</summary>
public sealed class VectorIndexStore(NpgsqlDataSource db)
{
    // Parallel HNSW builds overflow a buffer before pgvector 0.8.2.
    private static readonly Version ParallelBuildIsSafe = new(0, 8, 2);

    /// <summary>Rows of the space, as PostgreSQL last counted them (exact where it never did).</summary>
    public async Task<long> EstimateRowsAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"""
            SELECT CASE WHEN n_live_tup > 0 THEN n_live_tup ELSE (SELECT count(*) FROM {space.Table}) END
            FROM pg_stat_user_tables WHERE relid = '{space.Table}'::regclass
            """);
        return await command.ExecuteScalarAsync(ct) as long? ?? 0;
    }

    /// <summary>Builds the HNSW index beside running reads and writes; one that was left half-built is removed first. Marks the space <c>building</c>, then <c>ready</c>.</summary>
    /// <param name="memory">Working memory of the build, such as <c>512MB</c>: a graph that outgrows it takes more than twice as long.</param>
    /// <param name="progress">Rows done and rows in all, twice a second.</param>
    public async Task BuildAsync(EmbeddingSpace space, string memory, Func<long, long, Task> progress, CancellationToken ct)
    {
        await SetStateAsync(space, "building", ct);
        var built = false;
        try
        {
            await using var connection = await db.OpenConnectionAsync(ct);
            await BuildAsync(connection, space, memory, progress, ct);
            built = true;
        }
        finally
        {
            // Half an index answers nothing: until the next build, search is exact.
            await SetStateAsync(space, built ? "ready" : "none", built ? ct : CancellationToken.None);
        }
    }

    private async Task BuildAsync(NpgsqlConnection connection, EmbeddingSpace space, string memory, Func<long, long, Task> progress, CancellationToken ct)
    {
        await ExecuteAsync(connection, $"DROP INDEX CONCURRENTLY IF EXISTS {space.Index}", ct);
        var workers = await PgvectorVersionAsync(connection, ct) >= ParallelBuildIsSafe ? 2 : 0;
        await using (var settings = new NpgsqlCommand("SELECT set_config('maintenance_work_mem', $1, false), set_config('max_parallel_maintenance_workers', $2, false)", connection))
        {
            settings.Parameters.Add(new NpgsqlParameter<string> { TypedValue = memory });
            settings.Parameters.Add(new NpgsqlParameter<string> { TypedValue = workers.ToString(CultureInfo.InvariantCulture) });
            await settings.ExecuteNonQueryAsync(ct);
        }

        await ReportUntilAsync(
            ExecuteAsync(connection, $"CREATE INDEX CONCURRENTLY {space.Index} ON {space.Table} USING hnsw (embedding {space.OperatorClass})", ct), space, progress, ct);
        await ExecuteAsync(connection, $"ANALYZE {space.Table}", ct);
    }

    private async Task ReportUntilAsync(Task build, EmbeddingSpace space, Func<long, long, Task> progress, CancellationToken ct)
    {
        while (await Task.WhenAny(build, Task.Delay(TimeSpan.FromMilliseconds(500), CancellationToken.None)) != build)
        {
            try
            {
                var (done, total) = await ProgressAsync(space, ct);
                await progress(done, total);
            }
            catch (Exception e) when (e is NpgsqlException or OperationCanceledException)
            {
                // The build has the connection until it ends; what ends it, it says itself.
            }
        }

        await build;
    }

    /// <summary>Whether the index is there and whole: one whose build was cut short is neither used nor trusted.</summary>
    public async Task<bool> IsValidAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = space.Index });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    /// <summary>Removes the index, so that a load larger than what is there is not put in one graph step at a time; search is exact until it is built again.</summary>
    public async Task DropAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await SetStateAsync(space, "none", ct);
        await using var connection = await db.OpenConnectionAsync(ct);
        await ExecuteAsync(connection, $"DROP INDEX CONCURRENTLY IF EXISTS {space.Index}", ct);
    }

    private async Task<(long Done, long Total)> ProgressAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT tuples_done, tuples_total FROM pg_stat_progress_create_index WHERE relid = to_regclass($1)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = space.Table });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? (row.GetInt64(0), row.GetInt64(1)) : (0, 0);
    }

    private async Task SetStateAsync(EmbeddingSpace space, string state, CancellationToken ct)
    {
        await using var command = db.CreateCommand("UPDATE embedding_spaces SET index_state = $2 WHERE id = $1");
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = state });
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task<Version> PgvectorVersionAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT extversion FROM pg_extension WHERE extname = 'vector'", connection);
        return Version.Parse((string)(await command.ExecuteScalarAsync(ct))!);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = SqlText.Command(sql, connection);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }
}

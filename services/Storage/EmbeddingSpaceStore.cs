using System.Globalization;
using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>The registry of embedding spaces and the tables of their vectors.</summary>
public sealed partial class EmbeddingSpaceStore(NpgsqlDataSource db)
{
    private const string Columns =
        "id, provider, model, digest, dimensions, distance, prefix_profile, state, index_state, created_at, fill_cursor, filled_at, activated_at, "
        + "wanted_index, wanted_lists, wanted_probes, index_kind, index_lists, index_probes, index_rows, index_gone, index_built_at";

    private const string Select = $"SELECT {Columns} FROM embedding_spaces";

    // "mahaspac": one process at a time makes or switches a space.
    private const long SpaceLock = 0x6d61686173706163;

    // A store up to this size is queued for its first space at once; a larger one page by page, beside the writes.
    private const int SmallStore = 10_000;

    // For writers that began before a space was made or left; a longer transaction is met by the next attempt.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public async Task<EmbeddingSpace?> FindActiveAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand($"{Select} WHERE state = 'active'");
        return await ReadOneAsync(command, ct);
    }

    public async Task<EmbeddingSpace?> FindAsync(int id, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"{Select} WHERE id = $1");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id });
        return await ReadOneAsync(command, ct);
    }

    public async Task<IReadOnlyList<EmbeddingSpace>> ListAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand($"{Select} ORDER BY id");
        return await ReadAllAsync(command, ct);
    }

    /// <summary>The spaces whose tables are sure to stay until the transaction ends, where it has written a memory before: see <see cref="DropAsync"/>.</summary>
    internal static async Task<IReadOnlyList<EmbeddingSpace>> ListAsync(NpgsqlTransaction transaction, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"{Select} WHERE state <> 'dropping' ORDER BY id", transaction.Connection, transaction);
        return await ReadAllAsync(command, ct);
    }

    /// <summary>The active space. While none exists, one of <paramref name="model"/> is made. The memories of a small store are queued for it at once; those of a larger one when it is filled (<see cref="EmbeddingSpace.FilledAt"/> is null till then).</summary>
    /// <returns>The active space: of another model than asked for where that one came first. Nothing is ever switched here.</returns>
    public async Task<EmbeddingSpace> EnsureActiveAsync(EmbeddingModel model, CancellationToken ct)
    {
        if (await FindActiveAsync(ct) is { } active)
        {
            return active;
        }

        EmbeddingSpace space;
        await using (var connection = await db.OpenConnectionAsync(ct))
        {
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await ExecuteAsync(transaction, $"SELECT pg_advisory_xact_lock({SpaceLock})", ct);
            var spaces = await ListAsync(transaction, ct);
            if (spaces.FirstOrDefault(s => s.State == EmbeddingSpaceStates.Active) is { } other)
            {
                return other;
            }

            // One that was added before there was an active one is as good as a new one.
            space = await FindAsync(transaction, model, ct) is { } known
                ? await SetActiveAsync(transaction, known.Id, ct) ?? throw new InvalidOperationException($"The embedding space {known.Id} of {model.Model} is being dropped.")
                : await InsertAsync(transaction, model, EmbeddingSpaceStates.Active, ct);
            await transaction.CommitAsync(ct);
        }

        return await QueueSmallAsync(space, ct) ?? space;
    }

    /// <summary>A space to be filled beside the active one; from here on every write is queued for it, too. Nobody waits for it.</summary>
    /// <returns>The space, in whatever state it is, and whether it is new. One that was there is looked through again when it is filled.</returns>
    public async Task<(EmbeddingSpace Space, bool Created)> AddAsync(EmbeddingModel model, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync(transaction, $"SELECT pg_advisory_xact_lock({SpaceLock})", ct);
        var known = await FindAsync(transaction, model, ct);
        var space = known ?? await InsertAsync(transaction, model, EmbeddingSpaceStates.Building, ct);
        await transaction.CommitAsync(ct);
        return (space, known is null);
    }

    /// <summary>Makes a space the one that searches use, and the one before it a retired one: two rows, at once.</summary>
    /// <returns>Null where there is no such space, or it is on its way out.</returns>
    public async Task<SpaceSwitch?> ActivateAsync(short id, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync(transaction, $"SELECT pg_advisory_xact_lock({SpaceLock})", ct);
        var spaces = await ListAsync(transaction, ct);
        if (spaces.FirstOrDefault(s => s.Id == id) is not { } space)
        {
            return null;
        }

        if (space.State == EmbeddingSpaceStates.Active)
        {
            return new SpaceSwitch(space, null);
        }

        await ExecuteAsync(transaction, "UPDATE embedding_spaces SET state = 'retired' WHERE state = 'active'", ct);
        var active = await SetActiveAsync(transaction, id, ct);
        await transaction.CommitAsync(ct);
        return active is null ? null : new SpaceSwitch(active, spaces.FirstOrDefault(s => s.State == EmbeddingSpaceStates.Active)?.Id);
    }

    /// <summary>Vectors in the space, exactly.</summary>
    public async Task<long> CountVectorsAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"SELECT count(*) FROM {space.Table}");
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Memories with a vector in the space, exactly.</summary>
    public async Task<long> CountMemoriesAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"SELECT count(*) FROM {space.Table} WHERE part = 0");
        command.CommandTimeout = 0;
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>How large the space is, without counting long.</summary>
    public async Task<SpaceSize> SizeAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"""
            SELECT counted.n, pg_total_relation_size(c.oid), greatest(counted.n, c.reltuples::bigint, pg_stat_get_live_tuples(c.oid))
            FROM pg_class c, (SELECT count(*) AS n FROM (SELECT FROM {space.Table} LIMIT 10001) AS first) AS counted
            WHERE c.oid = '{space.Table}'::regclass
            """);
        try
        {
            await using var row = await command.ExecuteReaderAsync(ct);
            return await row.ReadAsync(ct) ? new SpaceSize(row.GetInt64(0) <= 10_000 ? row.GetInt64(0) : row.GetInt64(2), row.GetInt64(1)) : new SpaceSize(0, 0);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // It has just been dropped.
            return new SpaceSize(0, 0);
        }
    }

    private async Task<EmbeddingSpace?> QueueSmallAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using (var size = db.CreateCommand("SELECT count(*) FROM (SELECT FROM memories LIMIT $1) AS first"))
        {
            size.Parameters.Add(new NpgsqlParameter<int> { TypedValue = SmallStore + 1 });
            if ((long)(await size.ExecuteScalarAsync(ct))! > SmallStore)
            {
                return null;
            }
        }

        if (!await WaitForWritersAsync(Patience, ct))
        {
            return null;
        }

        await using var command = db.CreateCommand($"""
            WITH queued AS (
                INSERT INTO embedding_queue (tenant_id, memory_id, space_id, trace) SELECT tenant_id, id, $1, $2 FROM memories WHERE deleted_at IS NULL
                ON CONFLICT DO NOTHING)
            UPDATE embedding_spaces SET filled_at = now() WHERE id = $1 RETURNING {Columns}
            """);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        command.Parameters.Add(SqlParameters.Text(TraceText.Current));
        var filled = await ReadOneAsync(command, ct);
        await SweepAsync(space, ct);
        return filled;
    }

    private static async Task<EmbeddingSpace?> SetActiveAsync(NpgsqlTransaction transaction, short id, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"UPDATE embedding_spaces SET state = 'active', activated_at = now() WHERE id = $1 AND state <> 'dropping' RETURNING {Columns}", transaction.Connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = id });
        return await ReadOneAsync(command, ct);
    }

    private static async Task<EmbeddingSpace?> FindAsync(NpgsqlTransaction transaction, EmbeddingModel model, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"{Select} WHERE model = $2 AND digest = $3 AND dimensions = $4 AND distance = $5 AND prefix_profile = $6 AND provider = $1", transaction.Connection, transaction);
        Identify(command, model);
        return await ReadOneAsync(command, ct);
    }

    private static async Task<EmbeddingSpace> InsertAsync(NpgsqlTransaction transaction, EmbeddingModel model, string state, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            INSERT INTO embedding_spaces (provider, model, digest, dimensions, distance, prefix_profile, state, activated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $7 = 'active' THEN now() END)
            RETURNING {Columns}
            """, transaction.Connection, transaction);
        Identify(command, model);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = state });
        var space = (await ReadOneAsync(command, ct))!;
        await ExecuteAsync(transaction, TableSql(space), ct);
        return space;
    }

    private static void Identify(NpgsqlCommand command, EmbeddingModel model)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model.Provider });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model.Model });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model.Digest });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = model.Dimensions });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model.Distance });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model.PrefixProfile });
    }

    // Inline storage (PLAIN): a vector moved out to TOAST makes an exact scan three times slower. The columns filtered
    // most stand beside the vector; the rest is reached by joining memories. No foreign key: memories are removed by the
    // one write path, which takes the vectors along.
    private static string TableSql(EmbeddingSpace space) => $"""
        CREATE TABLE {space.Table} (
            tenant_id     text        NOT NULL,
            memory_id     uuid        NOT NULL,
            part          smallint    NOT NULL,
            embedding     halfvec({space.Dimensions.ToString(CultureInfo.InvariantCulture)}) NOT NULL,
            memory_type   text        NOT NULL,
            source_system text        NOT NULL,
            project_id    text,
            repo_id       text,
            occurred_at   timestamptz NOT NULL,
            PRIMARY KEY (tenant_id, memory_id, part)
        );
        ALTER TABLE {space.Table} ALTER COLUMN embedding SET STORAGE PLAIN;
        CREATE INDEX {space.Table}_type    ON {space.Table} (tenant_id, memory_type, occurred_at);
        CREATE INDEX {space.Table}_source  ON {space.Table} (tenant_id, source_system);
        CREATE INDEX {space.Table}_project ON {space.Table} (tenant_id, project_id) WHERE project_id IS NOT NULL;
        CREATE INDEX {space.Table}_repo    ON {space.Table} (tenant_id, repo_id) WHERE repo_id IS NOT NULL;
        """;

    private static async Task<EmbeddingSpace?> ReadOneAsync(NpgsqlCommand command, CancellationToken ct)
    {
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    private static async Task<IReadOnlyList<EmbeddingSpace>> ReadAllAsync(NpgsqlCommand command, CancellationToken ct)
    {
        var spaces = new List<EmbeddingSpace>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            spaces.Add(Read(row));
        }

        return spaces;
    }

    private static EmbeddingSpace Read(NpgsqlDataReader row) => new(
        row.GetInt16(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetInt32(4), row.GetString(5), row.GetString(6), row.GetString(7), row.GetString(8),
        row.GetFieldValue<DateTimeOffset>(9))
    {
        FillCursor = row.IsDBNull(10) ? null : row.GetGuid(10),
        FilledAt = row.IsDBNull(11) ? null : row.GetFieldValue<DateTimeOffset>(11),
        ActivatedAt = row.IsDBNull(12) ? null : row.GetFieldValue<DateTimeOffset>(12),
        WantedIndex = row.IsDBNull(13) ? null : new VectorIndexSpec(row.GetString(13), Int(row, 14), Int(row, 15)),
        BuiltIndex = row.IsDBNull(16) ? null : new BuiltIndex(
            row.GetString(16), Int(row, 17), Int(row, 18), Long(row, 19), Long(row, 20), row.IsDBNull(21) ? null : row.GetFieldValue<DateTimeOffset>(21)),
    };

    private static int? Int(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt32(column);

    private static long? Long(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    private static async Task ExecuteAsync(NpgsqlTransaction transaction, string sql, CancellationToken ct)
    {
        await using var command = SqlText.Command(sql, transaction);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }
}

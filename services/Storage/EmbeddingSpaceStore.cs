using System.Globalization;
using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>An embedding space: one model, whose vectors may be compared with each other and with no others.</summary>
/// <param name="Distance"><c>cosine</c>, <c>l2</c> or <c>ip</c> (inner product): decides operator, index and score.</param>
/// <param name="State"><c>building</c>, <c>active</c> or <c>retired</c>.</param>
/// <param name="IndexState"><c>none</c> (exact search), <c>building</c> or <c>ready</c>.</param>
public sealed record EmbeddingSpace(
    short Id, string Provider, string Model, string Digest, int Dimensions, string Distance, string PrefixProfile, string State, string IndexState, DateTimeOffset CreatedAt)
{
    /// <summary>What its vectors are.</summary>
    public EmbeddingModel Identity => new(Provider, Model, Digest, Dimensions, Distance, PrefixProfile);

    /// <summary>The table of its vectors, safe to write into SQL.</summary>
    public string Table => "embedding_" + Id.ToString(CultureInfo.InvariantCulture);

    /// <summary>The name of its vector index.</summary>
    public string Index => Table + "_vector";

    /// <summary>pgvector's distance operator: smaller is nearer for all three.</summary>
    public string Operator => Distance switch { "l2" => "<->", "ip" => "<#>", _ => "<=>" };

    /// <summary>The operator class that an index on this space needs.</summary>
    public string OperatorClass => Distance switch { "l2" => "halfvec_l2_ops", "ip" => "halfvec_ip_ops", _ => "halfvec_cosine_ops" };

    /// <summary>SQL that turns a distance (<paramref name="distance"/>, an expression) into a similarity where larger is nearer.</summary>
    public string Similarity(string distance) => Distance switch
    {
        "l2" => $"1.0 / (1.0 + ({distance}))",
        "ip" => $"-({distance})",
        _ => $"1.0 - ({distance})",
    };
}

/// <summary>The registry of embedding spaces and the tables of their vectors.</summary>
public sealed class EmbeddingSpaceStore(NpgsqlDataSource db)
{
    private const string Select = "SELECT id, provider, model, digest, dimensions, distance, prefix_profile, state, index_state, created_at FROM embedding_spaces";

    // "mahaspac": one process at a time makes a space.
    private const long SpaceLock = 0x6d61686173706163;

    public async Task<EmbeddingSpace?> FindActiveAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand($"{Select} WHERE state = 'active'");
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    public async Task<IReadOnlyList<EmbeddingSpace>> ListAsync(CancellationToken ct)
    {
        await using var command = db.CreateCommand($"{Select} ORDER BY id");
        return await ReadAllAsync(command, ct);
    }

    internal static async Task<IReadOnlyList<EmbeddingSpace>> ListAsync(NpgsqlTransaction transaction, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"{Select} ORDER BY id", transaction.Connection, transaction);
        return await ReadAllAsync(command, ct);
    }

    /// <summary>The active space. While none exists, one of <paramref name="model"/> is made, and every memory there is queued for it.</summary>
    /// <returns>The active space: of another model than asked for where that one came first. Nothing is ever switched here.</returns>
    public async Task<EmbeddingSpace> EnsureActiveAsync(EmbeddingModel model, CancellationToken ct)
    {
        if (await FindActiveAsync(ct) is { } active)
        {
            return active;
        }

        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        // Writers that do not see the new space yet have committed before this lock is granted; later ones see it.
        await ExecuteAsync(transaction, $"SELECT pg_advisory_xact_lock({SpaceLock}); LOCK TABLE memories IN SHARE MODE", ct);
        var spaces = await ListAsync(transaction, ct);
        if (spaces.FirstOrDefault(s => s.State == "active") is { } other)
        {
            return other;
        }

        var space = await InsertAsync(transaction, model, ct);
        await ExecuteAsync(transaction, TableSql(space), ct);
        await ExecuteAsync(transaction, $"""
            INSERT INTO embedding_queue (tenant_id, memory_id, space_id)
            SELECT tenant_id, id, {space.Id.ToString(CultureInfo.InvariantCulture)} FROM memories WHERE deleted_at IS NULL
            """, ct);
        await transaction.CommitAsync(ct);
        return space;
    }

    /// <summary>Vectors in the space, exactly.</summary>
    public async Task<long> CountVectorsAsync(EmbeddingSpace space, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"SELECT count(*) FROM {space.Table}");
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    private static async Task<EmbeddingSpace> InsertAsync(NpgsqlTransaction transaction, EmbeddingModel model, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            INSERT INTO embedding_spaces (provider, model, digest, dimensions, distance, prefix_profile, state, filled_at, activated_at)
            VALUES ($1, $2, $3, $4, $5, $6, 'active', now(), now())
            RETURNING id, provider, model, digest, dimensions, distance, prefix_profile, state, index_state, created_at
            """, transaction.Connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model.Provider });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model.Model });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model.Digest });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = model.Dimensions });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model.Distance });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = model.PrefixProfile });
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return Read(row);
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
        row.GetFieldValue<DateTimeOffset>(9));

    private static async Task ExecuteAsync(NpgsqlTransaction transaction, string sql, CancellationToken ct)
    {
        await using var command = SqlText.Command(sql, transaction);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(ct);
    }
}

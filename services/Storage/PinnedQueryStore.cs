using Mahavishnu.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Mahavishnu.Storage;

/// <summary>What a pin needs to know of its memory.</summary>
/// <param name="SupersededBy">The memory that took its place: no search finds this one any more.</param>
public sealed record PinnableMemory(string Type, string Source, string? ProjectId, string? RepoId, Guid? SupersededBy);

/// <summary>Questions that should find a memory, kept.</summary>
public sealed class PinnedQueryStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>Most pins that are kept: all of them are asked in one evaluation.</summary>
    public const int Most = 1_000;

    private const string Columns = """
        p.id, p.query, p.memory_id, p.filter, p.created_at,
        coalesce(nullif(m.title, ''), trim(regexp_replace(left(m.content, 160), '\s+', ' ', 'g')))
        """;

    // A memory that no search finds any more has no title: the pin stays, and says so.
    private const string From = """
        FROM pinned_queries p LEFT JOIN memories m
            ON m.tenant_id = p.tenant_id AND m.id = p.memory_id AND m.deleted_at IS NULL AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_by IS NULL
        """;

    /// <summary>A memory that can be searched for now.</summary>
    /// <returns>Null: there is none (any more).</returns>
    public async Task<PinnableMemory?> FindMemoryAsync(Guid id, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            SELECT memory_type, source_system, project_id, repo_id, superseded_by FROM memories
            WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL AND (expires_at IS NULL OR expires_at > now())
            """);
        command.Parameters.Add(Tenant());
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct)
            ? new PinnableMemory(row.GetString(0), row.GetString(1), Text(row, 2), Text(row, 3), row.IsDBNull(4) ? null : row.GetGuid(4))
            : null;
    }

    /// <summary>Keeps a question and its memory; the same again is the one that is there.</summary>
    /// <returns>Null: there are <see cref="Most"/> already.</returns>
    public async Task<(PinnedQuery Pin, bool Created)?> AddAsync(string query, Guid memoryId, QueryScope scope, CancellationToken ct)
    {
        var id = QueryKey.Id(QueryKey.Hash(query, scope, memoryId));
        await using var command = db.CreateCommand("""
            INSERT INTO pinned_queries (tenant_id, id, query, filter, memory_id)
            SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM pinned_queries WHERE tenant_id = $1) < $6
            ON CONFLICT (tenant_id, id) DO NOTHING
            """);
        command.Parameters.Add(Tenant());
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = query });
        command.Parameters.Add(new NpgsqlParameter { Value = QueryKey.Json(scope), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = memoryId });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Most });
        var created = await command.ExecuteNonQueryAsync(ct) == 1;
        return await FindAsync(id, ct) is { } pin ? (pin, created) : null;
    }

    public async Task<PinnedQuery?> FindAsync(Guid id, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"SELECT {Columns} {From} WHERE p.tenant_id = $1 AND p.id = $2");
        command.Parameters.Add(Tenant());
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    /// <summary>Newest first.</summary>
    /// <param name="after">The last of the page before.</param>
    public async Task<IReadOnlyList<PinnedQuery>> ListAsync((DateTimeOffset CreatedAt, Guid Id)? after, int limit, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"""
            SELECT {Columns} {From}
            WHERE p.tenant_id = $1 AND ($2::timestamptz IS NULL OR (p.created_at, p.id) < ($2, $3::uuid))
            ORDER BY p.created_at DESC, p.id DESC LIMIT $4
            """);
        command.Parameters.Add(Tenant());
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.CreatedAt ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.Id ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var pins = new List<PinnedQuery>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            pins.Add(Read(row));
        }

        return pins;
    }

    /// <returns>False: there was none.</returns>
    public async Task<bool> DeleteAsync(Guid id, CancellationToken ct)
    {
        await using var command = db.CreateCommand("DELETE FROM pinned_queries WHERE tenant_id = $1 AND id = $2");
        command.Parameters.Add(Tenant());
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return await command.ExecuteNonQueryAsync(ct) == 1;
    }

    private NpgsqlParameter<string> Tenant() => new() { TypedValue = tenant.Current };

    private static PinnedQuery Read(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetString(1), row.GetGuid(2), QueryKey.Read(row.GetString(3)), row.GetFieldValue<DateTimeOffset>(4), Text(row, 5));

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}

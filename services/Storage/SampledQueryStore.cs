using Mahavishnu.Contracts;
using Npgsql;
using NpgsqlTypes;

namespace Mahavishnu.Storage;

/// <summary>A question that was really asked.</summary>
public sealed record SampledQuery(string Query, QueryScope Scope, DateTimeOffset AskedAt);

/// <summary>Some of the questions that were really asked: what two spaces are compared by while nothing is pinned.</summary>
public sealed class SampledQueryStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>Keeps questions, each once with the last time it was asked, and of all of them the <paramref name="most"/> asked last.</summary>
    public async Task AddAsync(IReadOnlyCollection<SampledQuery> queries, int most, CancellationToken ct)
    {
        // One order for everybody: two writers with the same questions must not wait for each other in a circle.
        var rows = queries
            .Select(q => (Hash: QueryKey.Hash(q.Query, q.Scope), q.Query, Scope: QueryKey.Json(q.Scope), AskedAt: q.AskedAt.ToUniversalTime()))
            .GroupBy(q => Convert.ToHexString(q.Hash), StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => g.MaxBy(q => q.AskedAt)).ToList();
        await using var batch = db.CreateBatch();
        var insert = new NpgsqlBatchCommand("""
            INSERT INTO sampled_queries (tenant_id, query_hash, query, scope, asked_at)
            SELECT $1, q.* FROM unnest($2, $3, $4, $5) AS q
            ON CONFLICT (tenant_id, query_hash) DO UPDATE SET asked_at = greatest(sampled_queries.asked_at, excluded.asked_at)
            """);
        insert.Parameters.Add(Tenant());
        insert.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. rows.Select(r => r.Hash)] });
        insert.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. rows.Select(r => r.Query)] });
        insert.Parameters.Add(new NpgsqlParameter { Value = rows.Select(r => r.Scope).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb });
        insert.Parameters.Add(new NpgsqlParameter<DateTimeOffset[]> { TypedValue = [.. rows.Select(r => r.AskedAt)] });
        batch.BatchCommands.Add(insert);
        var prune = new NpgsqlBatchCommand("""
            DELETE FROM sampled_queries WHERE tenant_id = $1 AND query_hash IN (
                SELECT query_hash FROM sampled_queries WHERE tenant_id = $1 ORDER BY asked_at DESC, query_hash OFFSET $2)
            """);
        prune.Parameters.Add(Tenant());
        prune.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        batch.BatchCommands.Add(prune);
        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The questions asked last.</summary>
    public async Task<IReadOnlyList<SampledQuery>> ListAsync(int limit, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT query, scope, asked_at FROM sampled_queries WHERE tenant_id = $1 ORDER BY asked_at DESC, query_hash LIMIT $2");
        command.Parameters.Add(Tenant());
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var queries = new List<SampledQuery>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            queries.Add(new SampledQuery(row.GetString(0), QueryKey.Read(row.GetString(1)), row.GetFieldValue<DateTimeOffset>(2)));
        }

        return queries;
    }

    private NpgsqlParameter<string> Tenant() => new() { TypedValue = tenant.Current };
}

using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>How often an insight was found by searches, and read by its id.</summary>
public sealed record UsageCount(long Found, long Read);

/// <summary>How much insights are used.</summary>
public sealed class InsightUsageStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>Adds to what was counted before; of memories that are not there (any more), or no insights, nothing is kept.</summary>
    public async Task AddAsync(IReadOnlyDictionary<Guid, UsageCount> counts, DateTimeOffset at, CancellationToken ct)
    {
        // The memories are held on to, so that one that is erased at this moment leaves nothing; in one order for everybody.
        await using var command = db.CreateCommand("""
            WITH there AS (
                SELECT m.id FROM memories m WHERE m.tenant_id = $1 AND m.id = ANY($2) AND m.memory_type = 'insight' ORDER BY m.id FOR KEY SHARE OF m)
            INSERT INTO insight_usage AS u (tenant_id, memory_id, found, read, used_at)
            SELECT $1, c.id, c.found, c.read, $5 FROM unnest($2, $3, $4) AS c(id, found, read) JOIN there t ON t.id = c.id ORDER BY c.id
            ON CONFLICT (tenant_id, memory_id) DO UPDATE SET found = u.found + excluded.found, read = u.read + excluded.read, used_at = greatest(u.used_at, excluded.used_at)
            """);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Uuids([.. counts.Keys]), new NpgsqlParameter<long[]> { TypedValue = [.. counts.Values.Select(c => c.Found)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. counts.Values.Select(c => c.Read)] }, Time(at),
        });
        await command.ExecuteNonQueryAsync(ct);
    }
}

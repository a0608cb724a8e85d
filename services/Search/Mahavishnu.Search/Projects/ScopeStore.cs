using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Search;

/// <summary>Reads what is known around a project, in one round trip.</summary>
internal sealed class ScopeStore(NpgsqlDataSource db, TenantScope tenant)
{
    public async Task<ScopeFacts> ReadAsync(string project, int hops, CancellationToken ct)
    {
        await using var batch = db.CreateBatch();
        // UNION: a project at a distance is looked at once, however many ways lead there.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            WITH RECURSIVE reached AS (
                SELECT $2::text AS project, 0 AS hops
                UNION
                SELECT o.project, r.hops + 1
                FROM reached r CROSS JOIN LATERAL (
                    SELECT d.target_project FROM project_dependencies d WHERE d.tenant_id = $1 AND d.source_project = r.project
                    UNION ALL
                    SELECT d.source_project FROM project_dependencies d WHERE d.tenant_id = $1 AND d.target_project = r.project) AS o(project)
                WHERE r.hops < $3 - 1)
            SELECT DISTINCT d.source_project, d.target_project, d.dependency_type
            FROM (SELECT DISTINCT r.project FROM reached r) r
            JOIN project_dependencies d ON d.tenant_id = $1 AND (d.source_project = r.project OR d.target_project = r.project)
            """)
        {
            Parameters = { Text(tenant.Current), Text(project), new NpgsqlParameter<int> { TypedValue = hops } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            SELECT o.group_id, o.project_id
            FROM project_group_members m JOIN project_group_members o ON o.tenant_id = $1 AND o.group_id = m.group_id
            WHERE m.tenant_id = $1 AND m.project_id = $2
            """)
        {
            Parameters = { Text(tenant.Current), Text(project) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            SELECT s.memory_id, s.group_id FROM insight_shares s WHERE s.tenant_id = $1 AND s.project_id = $2 AND s.withdrawn_at IS NULL
            UNION ALL
            SELECT s.memory_id, s.group_id FROM project_group_members m JOIN insight_shares s ON s.tenant_id = $1 AND s.group_id = m.group_id
            WHERE m.tenant_id = $1 AND m.project_id = $2 AND s.withdrawn_at IS NULL
            """)
        {
            Parameters = { Text(tenant.Current), Text(project) },
        });
        await using var row = await batch.ExecuteReaderAsync(ct);
        var dependencies = await AllAsync(row, r => (r.GetString(0), r.GetString(1), r.GetString(2)), ct);
        await row.NextResultAsync(ct);
        var members = await AllAsync(row, r => (r.GetString(0), r.GetString(1)), ct);
        await row.NextResultAsync(ct);
        return new ScopeFacts(dependencies, members, await AllAsync(row, r => (r.GetGuid(0), r.IsDBNull(1) ? null : r.GetString(1)), ct));
    }

    private static async Task<List<T>> AllAsync<T>(NpgsqlDataReader row, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        var all = new List<T>();
        while (await row.ReadAsync(ct))
        {
            all.Add(read(row));
        }

        return all;
    }
}

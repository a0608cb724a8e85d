using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>What went on in a project, in one round trip. Each statement reads the project's part of an index, no other memories.</summary>
internal sealed class ProjectOverviewStore(NpgsqlDataSource db, TenantScope tenant)
{
    private const int Most = 10;

    // Of an error, and of an insight without a title.
    private const int Beginning = 300;

    private const string Recent = "m.tenant_id = $1 AND m.project_id = $2 AND m.deleted_at IS NULL AND m.occurred_at >= $3";

    public async Task<(ProjectActivity Activity, ProjectPatterns Patterns)> ReadAsync(string project, DateTimeOffset since, CancellationToken ct)
    {
        await using var batch = db.CreateBatch();
        Add(batch, $"""
            SELECT date_trunc('week', m.occurred_at AT TIME ZONE 'UTC')::date, m.memory_type, count(*) FROM memories m WHERE {Recent} GROUP BY 1, 2 ORDER BY 1, 2
            """, project, since);
        Add(batch, $"""
            SELECT m.agent_id, count(*), max(m.occurred_at) FROM memories m WHERE {Recent} AND m.agent_id IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {Most}
            """, project, since);
        Add(batch, $"""
            SELECT (SELECT count(DISTINCT m.session_id) FROM memories m WHERE {Recent}),
                   (SELECT max(m.updated_at) FROM memories m WHERE m.tenant_id = $1 AND m.project_id = $2)
            """, project, since);
        Add(batch, $"""
            SELECT t.tag, count(*) FROM memories m CROSS JOIN LATERAL unnest(m.tags) AS t(tag) WHERE {Recent} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {Most}
            """, project, since);
        Add(batch, $"""
            SELECT w.workflow_id, count(*) FILTER (WHERE w.status = 'failed') AS failed, count(*), max(coalesce(w.finished_at, w.created_at)) FILTER (WHERE w.status = 'failed'),
                   (array_agg(left(w.error_message, {Beginning}) ORDER BY coalesce(w.finished_at, w.created_at) DESC) FILTER (WHERE w.status = 'failed'))[1]
            FROM memories m JOIN workflow_executions w ON w.tenant_id = $1 AND w.memory_id = m.id
            WHERE {Recent} AND m.memory_type = 'workflow' AND w.status IN ('completed', 'failed')
            GROUP BY 1 HAVING count(*) FILTER (WHERE w.status = 'failed') > 0 ORDER BY 2 DESC, 1 LIMIT {Most}
            """, project, since);
        Add(batch, $"""
            SELECT m.id, coalesce(m.title, left(m.content, {Beginning})), u.found, u.read, u.used_at
            FROM memories m JOIN insight_usage u ON u.tenant_id = $1 AND u.memory_id = m.id
            WHERE m.tenant_id = $1 AND m.project_id = $2 AND m.memory_type = 'insight' AND m.deleted_at IS NULL AND m.superseded_by IS NULL AND u.used_at >= $3
            ORDER BY u.found + u.read DESC, u.used_at DESC, m.id LIMIT {Most}
            """, project, since);
        Add(batch, $"""
            SELECT m.id, coalesce(m.title, left(m.content, {Beginning})), count(*)
            FROM insight_shares s JOIN memories m ON m.tenant_id = $1 AND m.id = s.memory_id
            WHERE s.tenant_id = $1 AND s.withdrawn_at IS NULL AND m.project_id = $2 AND m.deleted_at IS NULL AND s.shared_at >= $3
            GROUP BY m.id, m.title, m.content ORDER BY 3 DESC, 1 LIMIT {Most}
            """, project, since);
        await using var row = await batch.ExecuteReaderAsync(ct);
        var weeks = await AllAsync(row, r => (Week: r.GetFieldValue<DateOnly>(0), Type: r.GetString(1), Count: r.GetInt64(2)), ct);
        var agents = await AllAsync(row, r => new AgentActivity(r.GetString(0), r.GetInt64(1), r.GetFieldValue<DateTimeOffset>(2)), ct);
        var (sessions, changed) = (await AllAsync(row, r => (r.GetInt64(0), r.IsDBNull(1) ? (DateTimeOffset?)null : r.GetFieldValue<DateTimeOffset>(1)), ct))[0];
        var tags = await AllAsync(row, r => new TagCount(r.GetString(0), r.GetInt64(1)), ct);
        var failing = await AllAsync(
            row, r => new FailingWorkflow(r.GetString(0), r.GetInt64(1), r.GetInt64(2), r.IsDBNull(3) ? null : r.GetFieldValue<DateTimeOffset>(3), r.IsDBNull(4) ? null : r.GetString(4)), ct);
        var used = await AllAsync(row, r => new UsedInsight(r.GetGuid(0), r.GetString(1), r.GetInt64(2), r.GetInt64(3), r.GetFieldValue<DateTimeOffset>(4)), ct);
        var shared = await AllAsync(row, r => new SharedInsight(r.GetGuid(0), r.GetString(1), r.GetInt64(2)), ct);
        return (
            new ProjectActivity(
                [.. weeks.GroupBy(w => w.Week, (week, types) => new ProjectWeek(week, types.ToDictionary(t => t.Type, t => t.Count, StringComparer.Ordinal)))], agents, sessions, changed),
            new ProjectPatterns(tags, failing, used, shared));
    }

    private void Add(NpgsqlBatch batch, string sql, string project, DateTimeOffset since) => batch.BatchCommands.Add(new NpgsqlBatchCommand(sql)
    {
        Parameters = { Text(tenant.Current), Text(project), Time(since) },
    });

    /// <summary>One result, and on to the next.</summary>
    private static async Task<List<T>> AllAsync<T>(NpgsqlDataReader row, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        var all = new List<T>();
        while (await row.ReadAsync(ct))
        {
            all.Add(read(row));
        }

        await row.NextResultAsync(ct);
        return all;
    }
}

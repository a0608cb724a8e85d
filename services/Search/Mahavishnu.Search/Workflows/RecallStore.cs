using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Search;

/// <summary>What executions of a kind came to: all of them, found or not, in one statement.</summary>
internal sealed class RecallStore(NpgsqlDataSource db, TenantScope tenant)
{
    private const int Failures = 3;

    /// <summary>Groups the executions that were found by workflow and by goal, and counts all that there are of each group.</summary>
    /// <param name="question">Whose project, source, repository and time bound what counts.</param>
    /// <param name="hits">Best first.</param>
    /// <param name="most">Groups.</param>
    /// <returns>In the order of their best hits.</returns>
    public async Task<IReadOnlyList<RecallGroup>> CountAsync(Question question, IReadOnlyList<SearchHit> hits, int most, CancellationToken ct)
    {
        if (hits.Count == 0)
        {
            return [];
        }

        // Same workflow, or same goal, or by way of a third: after each step a row knows the best hit that one more link leads to.
        await using var command = SqlText.Command($"""
            WITH found AS (
                SELECT h.place, w.workflow_id, w.goal_key, w.goal, min(h.place) OVER (PARTITION BY w.workflow_id) AS best
                FROM unnest($2) WITH ORDINALITY AS h(id, place) JOIN workflow_executions w ON w.tenant_id = $1 AND w.id = h.id),
            linked AS (SELECT place, workflow_id, goal_key, goal, min(best) OVER (PARTITION BY goal_key) AS best FROM found),
            further AS (SELECT place, workflow_id, goal_key, goal, min(best) OVER (PARTITION BY workflow_id) AS best FROM linked),
            grouped AS (SELECT place, workflow_id, goal_key, goal, min(best) OVER (PARTITION BY goal_key) AS best FROM further),
            chosen AS (SELECT * FROM grouped WHERE best IN (SELECT DISTINCT best FROM grouped ORDER BY best LIMIT $3)),
            members AS (
                SELECT c.best, w.id FROM (SELECT DISTINCT best, workflow_id FROM chosen) c JOIN workflow_executions w ON w.tenant_id = $1 AND w.workflow_id = c.workflow_id
                UNION
                SELECT c.best, w.id FROM (SELECT DISTINCT best, goal_key FROM chosen) c JOIN workflow_executions w ON w.tenant_id = $1 AND w.goal_key = c.goal_key),
            runs AS (
                SELECT r.best, w.id, w.status, w.error_message, w.finished_at, w.duration_seconds, m.occurred_at,
                       row_number() OVER (PARTITION BY r.best, w.status ORDER BY w.finished_at DESC NULLS LAST, w.id DESC) AS latest
                FROM members r JOIN workflow_executions w ON w.tenant_id = $1 AND w.id = r.id
                JOIN memories m ON m.tenant_id = $1 AND m.id = w.memory_id AND m.deleted_at IS NULL
                WHERE ($4::text IS NULL OR m.project_id = $4) AND (cardinality($5::text[]) = 0 OR w.adapter = ANY($5))
                  AND ($6::text IS NULL OR $6 = ANY(w.repos)) AND ($7::timestamptz IS NULL OR m.occurred_at >= $7))
            SELECT c.place, c.goal, c.workflow_id,
                   count(*)::int, count(*) FILTER (WHERE r.status = 'completed')::int, count(*) FILTER (WHERE r.status = 'failed')::int,
                   count(*) FILTER (WHERE r.status = 'cancelled')::int, count(*) FILTER (WHERE r.status IN ('pending', 'running'))::int,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY r.duration_seconds) FILTER (WHERE r.status = 'completed'), max(r.occurred_at),
                   array_agg(r.id ORDER BY r.latest) FILTER (WHERE r.status = 'failed' AND r.latest <= {Failures}),
                   array_agg(left(r.error_message, {WorkflowLimits.RecalledError}) ORDER BY r.latest) FILTER (WHERE r.status = 'failed' AND r.latest <= {Failures}),
                   array_agg(r.finished_at ORDER BY r.latest) FILTER (WHERE r.status = 'failed' AND r.latest <= {Failures}),
                   (array_agg(r.id) FILTER (WHERE r.status = 'completed' AND r.latest = 1))[1],
                   (array_agg(r.finished_at) FILTER (WHERE r.status = 'completed' AND r.latest = 1))[1],
                   (array_agg(r.duration_seconds) FILTER (WHERE r.status = 'completed' AND r.latest = 1))[1]
            FROM chosen c JOIN runs r ON r.best = c.best
            WHERE c.place = c.best
            GROUP BY c.place, c.goal, c.workflow_id
            ORDER BY c.place
            """, db);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Uuids([.. hits.Select(h => h.Id)]), new NpgsqlParameter<int> { TypedValue = most },
            Text(question.ProjectId), Texts(question.Sources), Text(question.RepoId), Time(question.After),
        });
        var groups = new List<RecallGroup>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            groups.Add(Read(row, hits));
        }

        return groups;
    }

    private static RecallGroup Read(NpgsqlDataReader row, IReadOnlyList<SearchHit> hits)
    {
        var (completed, failed) = (row.GetInt32(4), row.GetInt32(5));
        return new RecallGroup
        {
            Similarity = hits[(int)row.GetInt64(0) - 1].Similarity,
            Goal = row.GetString(1),
            WorkflowId = row.GetString(2),
            Runs = row.GetInt32(3),
            Completed = completed,
            Failed = failed,
            Cancelled = row.GetInt32(6),
            Running = row.GetInt32(7),
            SuccessRate = completed + failed == 0 ? null : (double)completed / (completed + failed),
            MedianSeconds = row.IsDBNull(8) ? null : row.GetDouble(8),
            LastRunAt = row.GetFieldValue<DateTimeOffset>(9),
            LastFailures = failed == 0 ? [] : [.. Zip(row.GetFieldValue<Guid[]>(10), row.GetFieldValue<string?[]>(11), row.GetFieldValue<DateTime?[]>(12))],
            LastSuccess = completed == 0 ? null : new RecalledSuccess(row.GetGuid(13), row.IsDBNull(14) ? null : row.GetFieldValue<DateTimeOffset>(14), row.IsDBNull(15) ? null : row.GetDouble(15)),
        };
    }

    private static IEnumerable<RecalledFailure> Zip(Guid[] ids, string?[] errors, DateTime?[] ends) =>
        ids.Select((id, i) => new RecalledFailure(id, errors[i], ends[i] is { } end ? new DateTimeOffset(end) : null));
}

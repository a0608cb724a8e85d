using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>With whom an insight is to be shared, checked and clean.</summary>
internal sealed record ShareDraft(IReadOnlyList<string> Projects, IReadOnlyList<string> Groups, string? By, string? Reason);

/// <summary>What stands in the way of a share, if anything.</summary>
/// <param name="Type">Of the memory; null: there is none.</param>
/// <param name="UnknownGroups">Those among the named that do not exist.</param>
internal sealed record ShareTarget(string? Type, string? ProjectId, IReadOnlyList<string> UnknownGroups);

/// <summary>Insights given to other projects, and what was taken back.</summary>
internal sealed class InsightShareStore(NpgsqlDataSource db, TenantScope tenant, TimeProvider time)
{
    private const string Select = "SELECT s.id, s.memory_id, s.project_id, s.group_id, s.shared_by, s.reason, s.shared_at, s.withdrawn_at, s.withdrawn_by FROM insight_shares s";

    public async Task<ShareTarget> LookAsync(Guid insight, IReadOnlyList<string> groups, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            SELECT m.memory_type, m.project_id, ARRAY(SELECT n.id FROM unnest($3) AS n(id) WHERE NOT EXISTS (SELECT FROM project_groups g WHERE g.tenant_id = $1 AND g.id = n.id))
            FROM (SELECT) always LEFT JOIN memories m ON m.tenant_id = $1 AND m.id = $2 AND m.deleted_at IS NULL
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(insight), Texts(groups) });
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return new ShareTarget(row.IsDBNull(0) ? null : row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1), row.GetFieldValue<string[]>(2));
    }

    /// <summary>Shares it with those that do not have it yet.</summary>
    /// <returns>What stands with those that were named.</returns>
    public async Task<IReadOnlyList<InsightShare>> ShareAsync(Guid insight, ShareDraft share, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        await using var batch = db.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            INSERT INTO insight_shares (tenant_id, id, memory_id, project_id, group_id, shared_by, reason)
            SELECT $1, s.id, $2, s.project_id, s.group_id, $6, $7 FROM unnest($3, $4, $5) AS s(id, project_id, group_id)
            ON CONFLICT DO NOTHING
            """)
        {
            Parameters =
            {
                Text(tenant.Current), Uuid(insight), Uuids([.. Enumerable.Range(0, share.Projects.Count + share.Groups.Count).Select(_ => Guid.CreateVersion7(now))]),
                new NpgsqlParameter<string?[]> { TypedValue = [.. share.Projects, .. share.Groups.Select(_ => (string?)null)] },
                new NpgsqlParameter<string?[]> { TypedValue = [.. share.Projects.Select(_ => (string?)null), .. share.Groups] },
                Text(share.By), Text(share.Reason),
            },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"""
            {Select} WHERE s.tenant_id = $1 AND s.memory_id = $2 AND s.withdrawn_at IS NULL AND (s.project_id = ANY($3) OR s.group_id = ANY($4)) ORDER BY s.project_id, s.group_id
            """)
        {
            Parameters = { Text(tenant.Current), Uuid(insight), Texts(share.Projects), Texts(share.Groups) },
        });
        await using var row = await batch.ExecuteReaderAsync(ct);
        return await ReadAsync(row, ct);
    }

    /// <summary>The latest first, withdrawn ones among them.</summary>
    /// <returns>Null: there is no such memory and never was.</returns>
    public async Task<IReadOnlyList<InsightShare>?> ListAsync(Guid insight, CancellationToken ct)
    {
        await using var batch = db.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"{Select} WHERE s.tenant_id = $1 AND s.memory_id = $2 ORDER BY s.shared_at DESC, s.id DESC")
        {
            Parameters = { Text(tenant.Current), Uuid(insight) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT EXISTS (SELECT FROM memories m WHERE m.tenant_id = $1 AND m.id = $2)")
        {
            Parameters = { Text(tenant.Current), Uuid(insight) },
        });
        await using var row = await batch.ExecuteReaderAsync(ct);
        var shares = await ReadAsync(row, ct);
        await row.NextResultAsync(ct);
        await row.ReadAsync(ct);
        return row.GetBoolean(0) ? shares : null;
    }

    /// <summary>Takes one back; one that was taken back before stays as it is.</summary>
    /// <returns>False: there is no such share.</returns>
    public async Task<bool> WithdrawAsync(Guid insight, Guid share, string? by, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            WITH withdrawn AS (
                UPDATE insight_shares SET withdrawn_at = now(), withdrawn_by = $4 WHERE tenant_id = $1 AND id = $3 AND memory_id = $2 AND withdrawn_at IS NULL)
            SELECT EXISTS (SELECT FROM insight_shares WHERE tenant_id = $1 AND id = $3 AND memory_id = $2)
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(insight), Uuid(share), Text(by) });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    private static async Task<List<InsightShare>> ReadAsync(NpgsqlDataReader row, CancellationToken ct)
    {
        var shares = new List<InsightShare>();
        while (await row.ReadAsync(ct))
        {
            shares.Add(new InsightShare
            {
                Id = row.GetGuid(0),
                InsightId = row.GetGuid(1),
                ProjectId = row.IsDBNull(2) ? null : row.GetString(2),
                GroupId = row.IsDBNull(3) ? null : row.GetString(3),
                By = row.IsDBNull(4) ? null : row.GetString(4),
                Reason = row.IsDBNull(5) ? null : row.GetString(5),
                SharedAt = row.GetFieldValue<DateTimeOffset>(6),
                WithdrawnAt = row.IsDBNull(7) ? null : row.GetFieldValue<DateTimeOffset>(7),
                WithdrawnBy = row.IsDBNull(8) ? null : row.GetString(8),
            });
        }

        return shares;
    }
}

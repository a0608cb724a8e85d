using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>A group, checked and clean.</summary>
/// <param name="Metadata">JSON.</param>
internal sealed record ProjectGroupDraft(string Id, string Name, string Description, IReadOnlyList<string> Members, string Metadata);

/// <summary>Groups of projects with their members.</summary>
internal sealed class ProjectGroupStore(NpgsqlDataSource db, TenantScope tenant)
{
    private const string Select = """
        SELECT g.id, g.name, g.description, ARRAY(SELECT m.project_id FROM project_group_members m WHERE m.tenant_id = g.tenant_id AND m.group_id = g.id ORDER BY 1), g.metadata, g.created_at
        FROM project_groups g
        """;

    public async Task<ProjectGroup?> FindAsync(string id, CancellationToken ct)
    {
        await using var command = SqlText.Command($"{Select} WHERE g.tenant_id = $1 AND g.id = $2", db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    /// <summary>By id.</summary>
    /// <param name="member">Null: all groups.</param>
    /// <param name="after">The last one of the page before; "" for the beginning.</param>
    public async Task<(IReadOnlyList<ProjectGroup> Items, bool More)> ListAsync(string? member, string after, int limit, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            {Select}
            WHERE g.tenant_id = $1 AND g.id > $2
                AND ($3::text IS NULL OR EXISTS (SELECT FROM project_group_members m WHERE m.tenant_id = $1 AND m.group_id = g.id AND m.project_id = $3))
            ORDER BY g.id LIMIT $4 + 1
            """, db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(after), Text(member), new NpgsqlParameter<int> { TypedValue = limit } });
        return await RowPage.ReadAsync(command, limit, Read, ct);
    }

    /// <summary>Makes the group what is said here. One that was imported is the user's own from then on: taking the import back leaves it.</summary>
    /// <returns>Whether it is new.</returns>
    public async Task<bool> PutAsync(ProjectGroupDraft group, CancellationToken ct)
    {
        // One after the other, in one transaction: by then the row is ours, and what the last one who had it left is seen.
        await using var batch = db.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            INSERT INTO project_groups (tenant_id, id, name, description, metadata) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (tenant_id, id) DO UPDATE SET name = excluded.name, description = excluded.description, metadata = excluded.metadata, import_id = NULL
            RETURNING xmax = 0
            """)
        {
            Parameters = { Text(tenant.Current), Text(group.Id), Text(group.Name), Text(group.Description), Jsonb(group.Metadata) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("DELETE FROM project_group_members WHERE tenant_id = $1 AND group_id = $2 AND project_id <> ALL($3)")
        {
            Parameters = { Text(tenant.Current), Text(group.Id), Texts(group.Members) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            INSERT INTO project_group_members (tenant_id, group_id, project_id) SELECT $1, $2, p.id FROM unnest($3) AS p(id) ON CONFLICT DO NOTHING
            """)
        {
            Parameters = { Text(tenant.Current), Text(group.Id), Texts(group.Members) },
        });
        return await batch.ExecuteScalarAsync(ct) is true;
    }

    /// <returns>False: there is no such group.</returns>
    public async Task<bool> AddMemberAsync(string id, string project, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            WITH g AS (SELECT g.id FROM project_groups g WHERE g.tenant_id = $1 AND g.id = $2 FOR KEY SHARE),
            added AS (INSERT INTO project_group_members (tenant_id, group_id, project_id) SELECT $1, g.id, $3 FROM g ON CONFLICT DO NOTHING)
            SELECT EXISTS (SELECT FROM g)
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(id), Text(project) });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    /// <returns>False: it was no member.</returns>
    public async Task<bool> RemoveMemberAsync(string id, string project, CancellationToken ct)
    {
        await using var command = db.CreateCommand("DELETE FROM project_group_members WHERE tenant_id = $1 AND group_id = $2 AND project_id = $3");
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(id), Text(project) });
        return await command.ExecuteNonQueryAsync(ct) > 0;
    }

    /// <summary>Removes it. What was shared with it is withdrawn: a group that is given the same id one day is another one.</summary>
    /// <returns>False: there is no such group.</returns>
    public async Task<bool> DeleteAsync(string id, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            WITH gone AS (DELETE FROM project_groups WHERE tenant_id = $1 AND id = $2 RETURNING id),
            withdrawn AS (UPDATE insight_shares s SET withdrawn_at = now() FROM gone WHERE s.tenant_id = $1 AND s.group_id = gone.id AND s.withdrawn_at IS NULL)
            SELECT EXISTS (SELECT FROM gone)
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(id) });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    private static ProjectGroup Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetString(0),
        Name = row.GetString(1),
        Description = row.GetString(2),
        Members = row.GetFieldValue<string[]>(3),
        Metadata = JsonElement.Parse(row.GetString(4)),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(5),
    };
}

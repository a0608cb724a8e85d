using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>A project's registration, checked and clean.</summary>
/// <param name="Metadata">JSON.</param>
internal sealed record ProjectDraft(string Id, string Name, string? Path, string? Role, string Description, IReadOnlyList<string> Tags, string Metadata);

/// <summary>Projects: those that are registered, and those that memories, groups and dependencies name.</summary>
internal sealed class ProjectStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>The select list that <see cref="Read"/> reads, of names <c>n(id)</c>.</summary>
    private const string Select = """
        SELECT n.id, p.id IS NOT NULL, coalesce(p.name, n.id), p.path, p.role, coalesce(p.description, ''), coalesce(p.tags, '{}'), coalesce(p.metadata, '{}'),
               ARRAY(SELECT g.group_id FROM project_group_members g WHERE g.tenant_id = $1 AND g.project_id = n.id ORDER BY 1), m.count, m.last, p.created_at, p.updated_at
        """;

    private const string From = """
        LEFT JOIN projects p ON p.tenant_id = $1 AND p.id = n.id
        CROSS JOIN LATERAL (SELECT count(*) AS count, max(m.occurred_at) AS last FROM memories m WHERE m.tenant_id = $1 AND m.project_id = n.id AND m.deleted_at IS NULL) m
        """;

    /// <summary>Both ends of every dependency.</summary>
    private const string Dependent = "project_dependencies d CROSS JOIN LATERAL (VALUES (d.source_project), (d.target_project)) AS e(id) WHERE d.tenant_id = $1";

    /// <summary>Null: nobody names it.</summary>
    public async Task<Project?> FindAsync(string id, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            {Select}, EXISTS (SELECT FROM project_dependencies d WHERE d.tenant_id = $1 AND (d.source_project = $2 OR d.target_project = $2))
            FROM (SELECT $2::text) AS n(id) {From}
            """, db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        var project = Read(row);
        return project.Registered || project.Memories > 0 || project.Groups.Count > 0 || row.GetBoolean(13) ? project : null;
    }

    /// <summary>By id. The names among the memories are read from index entry to index entry, as many as the page needs: there may be millions of memories and few names.</summary>
    /// <param name="after">The last one of the page before; "" for the beginning.</param>
    public async Task<(IReadOnlyList<Project> Items, bool More)> ListAsync(string after, int limit, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            WITH RECURSIVE remembered AS (
                SELECT (SELECT m.project_id FROM memories m WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.project_id > $2 ORDER BY m.project_id LIMIT 1) AS id
                UNION ALL
                SELECT (SELECT m.project_id FROM memories m WHERE m.tenant_id = $1 AND m.deleted_at IS NULL AND m.project_id > r.id ORDER BY m.project_id LIMIT 1)
                FROM remembered r WHERE r.id IS NOT NULL),
            named AS (
                (SELECT r.id FROM remembered r WHERE r.id IS NOT NULL LIMIT $3 + 1)
                UNION (SELECT p.id FROM projects p WHERE p.tenant_id = $1 AND p.id > $2 ORDER BY 1 LIMIT $3 + 1)
                UNION (SELECT DISTINCT g.project_id FROM project_group_members g WHERE g.tenant_id = $1 AND g.project_id > $2 ORDER BY 1 LIMIT $3 + 1)
                UNION (SELECT DISTINCT e.id FROM {Dependent} AND e.id > $2 ORDER BY 1 LIMIT $3 + 1))
            {Select}
            FROM (SELECT id FROM named ORDER BY id LIMIT $3 + 1) AS n {From}
            ORDER BY n.id
            """, db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(after), new NpgsqlParameter<int> { TypedValue = limit } });
        return await RowPage.ReadAsync(command, limit, Read, ct);
    }

    /// <returns>Whether it is new.</returns>
    public async Task<bool> PutAsync(ProjectDraft project, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            INSERT INTO projects AS p (tenant_id, id, name, path, role, description, tags, metadata) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (tenant_id, id) DO UPDATE
            SET name = excluded.name, path = excluded.path, role = excluded.role, description = excluded.description, tags = excluded.tags, metadata = excluded.metadata, updated_at = now()
            WHERE (p.name, p.path, p.role, p.description, p.tags, p.metadata)
                IS DISTINCT FROM (excluded.name, excluded.path, excluded.role, excluded.description, excluded.tags, excluded.metadata)
            RETURNING xmax = 0
            """);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Text(project.Id), Text(project.Name), Text(project.Path), Text(project.Role), Text(project.Description), Texts(project.Tags), Jsonb(project.Metadata),
        });
        return await command.ExecuteScalarAsync(ct) is true;
    }

    /// <returns>What still bears its name; null: it was not registered.</returns>
    public async Task<KeptOfProject?> DeleteAsync(string id, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            WITH gone AS (DELETE FROM projects WHERE tenant_id = $1 AND id = $2 RETURNING id)
            SELECT (SELECT count(*) FROM memories m WHERE m.tenant_id = $1 AND m.project_id = $2 AND m.deleted_at IS NULL),
                   (SELECT count(*) FROM project_group_members g WHERE g.tenant_id = $1 AND g.project_id = $2),
                   (SELECT count(*) FROM project_dependencies d WHERE d.tenant_id = $1 AND (d.source_project = $2 OR d.target_project = $2)),
                   (SELECT count(*) FROM insight_shares s WHERE s.tenant_id = $1 AND s.project_id = $2 AND s.withdrawn_at IS NULL)
            FROM gone
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new KeptOfProject(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3)) : null;
    }

    private static Project Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetString(0),
        Registered = row.GetBoolean(1),
        Name = row.GetString(2),
        Path = row.IsDBNull(3) ? null : row.GetString(3),
        Role = row.IsDBNull(4) ? null : row.GetString(4),
        Description = row.GetString(5),
        Tags = row.GetFieldValue<string[]>(6),
        Metadata = JsonElement.Parse(row.GetString(7)),
        Groups = row.GetFieldValue<string[]>(8),
        Memories = row.GetInt64(9),
        LastMemoryAt = row.IsDBNull(10) ? null : row.GetFieldValue<DateTimeOffset>(10),
        CreatedAt = row.IsDBNull(11) ? null : row.GetFieldValue<DateTimeOffset>(11),
        UpdatedAt = row.IsDBNull(12) ? null : row.GetFieldValue<DateTimeOffset>(12),
    };
}

using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Migration;

/// <summary>What an import brings beside memories: the knowledge graph, project groups and dependencies, links of sessions and of causes. Each is known by its id; one that is there stays as it is.</summary>
internal sealed partial class ObjectStore(TenantScope tenant)
{
    public const string Entity = "entity";
    public const string Edge = "edge";
    public const string Group = "group";
    public const string Dependency = "dependency";
    public const string SessionLink = "session-link";
    public const string CausalLink = "causal-link";

    // "mahaobje": shared by imports that write, alone for an undo that removes, so that none removes what another has just found to be there.
    private const long ObjectLock = 0x6d6168616f626a65;

    /// <summary>An object as <c>import_rows</c> names it.</summary>
    public static string Name(string kind, string id) => $"{kind}:{id}";

    /// <summary>The table that holds objects of a kind.</summary>
    public static string TableOf(string kind) => kind switch
    {
        Entity => "kg_entities",
        Edge => "kg_relationships",
        Group => "project_groups",
        Dependency => "project_dependencies",
        SessionLink => "session_links",
        CausalLink => "causal_links",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such kind of object."),
    };

    /// <summary>Writes the objects among the rows; edges have a way of their own.</summary>
    public async Task<IReadOnlyList<RowFate>> WriteAsync(NpgsqlTransaction transaction, TableKey key, IReadOnlyList<SourceRow> rows, CancellationToken ct)
    {
        var fates = new List<RowFate>();
        if (rows.All(r => r is TextRow or EdgeRow or RejectedRow or JoinedRow))
        {
            return fates;
        }

        await LockAsync(transaction, alone: false, ct);
        await WriteAsync<EntityRow>(Entity, r => r.Entity.Id, some => InsertEntitiesAsync(transaction, key.Import, [.. some.Select(r => r.Entity)], ct));
        await WriteAsync<GroupRow>(Group, r => r.Id, some => InsertGroupsAsync(transaction, key.Import, some, ct));
        await WriteAsync<DependencyRow>(Dependency, r => r.Id, some => InsertDependenciesAsync(transaction, key.Import, some, ct));
        await WriteAsync<SessionLinkRow>(SessionLink, r => r.Id, some => InsertSessionLinksAsync(transaction, key.Import, some, ct));
        await WriteAsync<CausalLinkRow>(CausalLink, r => r.Id, some => InsertCausalLinksAsync(transaction, key, some, ct));
        return fates;

        async Task WriteAsync<TRow>(string kind, Func<TRow, string> id, Func<IReadOnlyList<TRow>, Task<HashSet<string>>> insert) where TRow : SourceRow
        {
            var some = rows.OfType<TRow>().ToList();
            if (some.Count > 0)
            {
                var made = await insert(some);
                // Of rows with one id the first made it.
                fates.AddRange(some.Select(r => new RowFate(r.Number, made.Remove(id(r)), null, Name(kind, id(r)), null)));
            }
        }
    }

    /// <summary>Writes the entities that only edges name.</summary>
    /// <returns>Of the ends of all these edges, those that are there.</returns>
    public async Task<HashSet<string>> WriteEndsAsync(NpgsqlTransaction transaction, Guid import, IReadOnlyList<EdgeRow> rows, CancellationToken ct)
    {
        await LockAsync(transaction, alone: false, ct);
        var ends = rows.SelectMany(r => r.Ends).DistinctBy(e => e.Id, StringComparer.Ordinal).ToList();
        if (ends.Count > 0)
        {
            await InsertEntitiesAsync(transaction, import, ends, ct);
        }

        return await IdsAsync(transaction, "SELECT id FROM kg_entities WHERE tenant_id = $1 AND id = ANY($2)", ct,
            Text(tenant.Current), Texts(rows.SelectMany(r => new[] { r.Edge.From, r.Edge.To }).Distinct(StringComparer.Ordinal)));
    }

    /// <returns>Ids of the edges that were not there.</returns>
    public async Task<HashSet<string>> WriteEdgesAsync(NpgsqlTransaction transaction, Guid import, IReadOnlyList<(GraphEdge Edge, Guid Memory)> edges, CancellationToken ct) =>
        edges.Count == 0 ? [] : await IdsAsync(transaction, """
            INSERT INTO kg_relationships (tenant_id, id, from_entity, to_entity, relation_type, properties, created_at, updated_at, memory_id, import_id)
            SELECT $1, id, from_entity, to_entity, relation_type, properties::jsonb, created_at, updated_at, memory_id, $2
            FROM unnest($3, $4, $5, $6, $7, $8, $9, $10) AS e(id, from_entity, to_entity, relation_type, properties, created_at, updated_at, memory_id)
            ORDER BY id
            ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id
            """, ct,
            Text(tenant.Current), Uuid(import),
            Texts(edges.Select(e => e.Edge.Id)), Texts(edges.Select(e => e.Edge.From)), Texts(edges.Select(e => e.Edge.To)), Texts(edges.Select(e => e.Edge.Type)),
            Texts(edges.Select(e => e.Edge.Properties)), Times(edges.Select(e => e.Edge.CreatedAt)), TimesIfKnown(edges.Select(e => e.Edge.UpdatedAt)),
            new NpgsqlParameter<Guid[]> { TypedValue = [.. edges.Select(e => e.Memory)] });

    private Task<HashSet<string>> InsertEntitiesAsync(NpgsqlTransaction transaction, Guid import, IReadOnlyList<GraphEntity> entities, CancellationToken ct) =>
        IdsAsync(transaction, """
            INSERT INTO kg_entities (tenant_id, id, name, entity_type, observations, properties, created_at, updated_at, import_id)
            SELECT $1, id, name, entity_type, ARRAY(SELECT jsonb_array_elements_text(observations::jsonb)), properties::jsonb, created_at, updated_at, $2
            FROM unnest($3, $4, $5, $6, $7, $8, $9) AS e(id, name, entity_type, observations, properties, created_at, updated_at)
            ORDER BY id
            ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id
            """, ct,
            Text(tenant.Current), Uuid(import),
            Texts(entities.Select(e => e.Id)), Texts(entities.Select(e => e.Name)), Texts(entities.Select(e => e.Type)), Texts(entities.Select(e => Json(e.Observations))),
            Texts(entities.Select(e => e.Properties)), Times(entities.Select(e => e.CreatedAt)), TimesIfKnown(entities.Select(e => e.UpdatedAt)));

    private Task<HashSet<string>> InsertGroupsAsync(NpgsqlTransaction transaction, Guid import, IReadOnlyList<GroupRow> groups, CancellationToken ct) =>
        IdsAsync(transaction, """
            WITH made AS (
                INSERT INTO project_groups (tenant_id, id, name, description, metadata, created_at, import_id)
                SELECT $1, id, name, description, metadata::jsonb, created_at, $2
                FROM unnest($3, $4, $5, $6, $7) AS g(id, name, description, metadata, created_at)
                ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id),
            members AS (
                INSERT INTO project_group_members (tenant_id, group_id, project_id)
                SELECT DISTINCT $1, m.id, p.project FROM made m JOIN unnest($3, $8) AS g(id, projects) ON g.id = m.id CROSS JOIN jsonb_array_elements_text(g.projects::jsonb) AS p(project)
                ON CONFLICT DO NOTHING)
            SELECT id FROM made
            """, ct,
            Text(tenant.Current), Uuid(import),
            Texts(groups.Select(g => g.Id)), Texts(groups.Select(g => g.Name)), Texts(groups.Select(g => g.Description)), Texts(groups.Select(g => g.Metadata)),
            Times(groups.Select(g => g.CreatedAt)), Texts(groups.Select(g => Json(g.Projects))));

    private Task<HashSet<string>> InsertDependenciesAsync(NpgsqlTransaction transaction, Guid import, IReadOnlyList<DependencyRow> dependencies, CancellationToken ct) =>
        IdsAsync(transaction, """
            INSERT INTO project_dependencies (tenant_id, id, source_project, target_project, dependency_type, description, metadata, created_at, import_id)
            SELECT $1, id, source_project, target_project, dependency_type, description, metadata::jsonb, created_at, $2
            FROM unnest($3, $4, $5, $6, $7, $8, $9) AS d(id, source_project, target_project, dependency_type, description, metadata, created_at)
            ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id
            """, ct,
            Text(tenant.Current), Uuid(import),
            Texts(dependencies.Select(d => d.Id)), Texts(dependencies.Select(d => d.Source)), Texts(dependencies.Select(d => d.Target)), Texts(dependencies.Select(d => d.Type)),
            Texts(dependencies.Select(d => d.Description)), Texts(dependencies.Select(d => d.Metadata)), Times(dependencies.Select(d => d.CreatedAt)));

    private Task<HashSet<string>> InsertSessionLinksAsync(NpgsqlTransaction transaction, Guid import, IReadOnlyList<SessionLinkRow> links, CancellationToken ct) =>
        IdsAsync(transaction, """
            INSERT INTO session_links (tenant_id, id, source_session, target_session, link_type, context, metadata, created_at, import_id)
            SELECT $1, id, source_session, target_session, link_type, context, metadata::jsonb, created_at, $2
            FROM unnest($3, $4, $5, $6, $7, $8, $9) AS l(id, source_session, target_session, link_type, context, metadata, created_at)
            ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id
            """, ct,
            Text(tenant.Current), Uuid(import),
            Texts(links.Select(l => l.Id)), Texts(links.Select(l => l.Source)), Texts(links.Select(l => l.Target)), Texts(links.Select(l => l.Type)),
            Texts(links.Select(l => l.Context)), Texts(links.Select(l => l.Metadata)), Times(links.Select(l => l.CreatedAt)));

    // The ends are the memories that the source's rows became, where these are of the same file; else the source's own ids, which are kept in any case.
    private Task<HashSet<string>> InsertCausalLinksAsync(NpgsqlTransaction transaction, TableKey key, IReadOnlyList<CausalLinkRow> links, CancellationToken ct) =>
        IdsAsync(transaction, """
            WITH known AS (
                SELECT DISTINCT ON (source_id) source_id, memory_id::text AS memory FROM import_rows
                WHERE tenant_id = $1 AND import_id = $2 AND file_number = $3 AND memory_id IS NOT NULL AND source_id = ANY($5 || $6)
                ORDER BY source_id, table_number, row)
            INSERT INTO causal_links (tenant_id, id, cause_id, effect_id, link_type, confidence, metadata, created_at, import_id)
            SELECT $1, l.id, coalesce(c.memory, l.cause), coalesce(e.memory, l.effect), l.link_type, l.confidence,
                   l.metadata::jsonb || jsonb_build_object('sourceCause', l.cause, 'sourceEffect', l.effect), l.created_at, $2
            FROM unnest($4, $5, $6, $7, $8, $9, $10) AS l(id, cause, effect, link_type, confidence, metadata, created_at)
            LEFT JOIN known c ON c.source_id = l.cause LEFT JOIN known e ON e.source_id = l.effect
            ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id
            """, ct,
            Text(tenant.Current), Uuid(key.Import), new NpgsqlParameter<short> { TypedValue = key.File },
            Texts(links.Select(l => l.Id)), Texts(links.Select(l => l.Cause)), Texts(links.Select(l => l.Effect)), Texts(links.Select(l => l.Type)),
            new NpgsqlParameter<double?[]> { TypedValue = [.. links.Select(l => l.Confidence)] }, Texts(links.Select(l => l.Metadata)), Times(links.Select(l => l.CreatedAt)));

    private static async Task LockAsync(NpgsqlTransaction transaction, bool alone, CancellationToken ct)
    {
        await using var command = SqlText.Command($"SELECT pg_advisory_xact_lock{(alone ? "" : "_shared")}({ObjectLock})", transaction);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task<HashSet<string>> IdsAsync(NpgsqlTransaction transaction, string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = SqlText.Command(sql, transaction);
        command.Parameters.AddRange(parameters);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            ids.Add(row.GetString(0));
        }

        return ids;
    }

    private static string Json(IReadOnlyList<string> values) => System.Text.Json.JsonSerializer.Serialize(values, Contracts.WireJson.Lenient);

    private static NpgsqlParameter Times(IEnumerable<DateTimeOffset> times) => new NpgsqlParameter<DateTimeOffset[]> { TypedValue = [.. times.Select(t => t.ToUniversalTime())] };

    private static NpgsqlParameter TimesIfKnown(IEnumerable<DateTimeOffset?> times) => new NpgsqlParameter<DateTimeOffset?[]> { TypedValue = [.. times.Select(t => t?.ToUniversalTime())] };
}

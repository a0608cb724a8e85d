using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Migration;

/// <summary>Objects of an import that is taken back.</summary>
internal sealed partial class ObjectStore
{
    private const int EntitiesInStep = 1_000;

    // Entities are not among them: they go last, when it is known which edges are left.
    private static readonly string[] Removable = [Edge, Group, Dependency, SessionLink, CausalLink];

    /// <summary>Removes those of the named objects that the import made, or gives them to another import that brought them as well.</summary>
    /// <returns>How many are gone.</returns>
    public async Task<long> RemoveAsync(NpgsqlTransaction transaction, Guid import, string[] names, CancellationToken ct)
    {
        if (names.Length == 0)
        {
            return 0;
        }

        await LockAsync(transaction, alone: true, ct);
        var removed = 0L;
        foreach (var kind in Removable)
        {
            var prefix = Name(kind, "");
            string[] ids = [.. names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..])];
            if (ids.Length > 0)
            {
                removed += await RemoveAsync(transaction, import, prefix, TableOf(kind), ids, ct);
            }
        }

        return removed;
    }

    /// <summary>Removes the next of the entities that the import made. One that another import brought as well, or that edges still hold on to, stays and is no longer this import's.</summary>
    /// <returns>How many were looked at, none when it is over, and how many are gone.</returns>
    public async Task<(long Seen, long Removed)> RemoveEntitiesAsync(NpgsqlTransaction transaction, Guid import, CancellationToken ct)
    {
        await LockAsync(transaction, alone: true, ct);
        await using var command = SqlText.Command($"""
            WITH next AS (SELECT id FROM kg_entities WHERE tenant_id = $1 AND import_id = $2 ORDER BY id LIMIT {EntitiesInStep}),
            fates AS (
                SELECT n.id, h.import_id AS heir, e.id IS NOT NULL AS needed, e.import_id AS edge_import
                FROM next n
                LEFT JOIN LATERAL (
                    SELECT r.import_id FROM import_rows r JOIN imports i ON i.tenant_id = r.tenant_id AND i.id = r.import_id AND i.status <> 'undone'
                    WHERE r.tenant_id = $1 AND r.object = '{Name(Entity, "")}' || n.id AND r.import_id <> $2 ORDER BY r.import_id LIMIT 1) h ON true
                LEFT JOIN LATERAL (
                    SELECT k.id, k.import_id FROM kg_relationships k WHERE k.tenant_id = $1 AND (k.from_entity = n.id OR k.to_entity = n.id) ORDER BY k.import_id, k.id LIMIT 1) e ON true),
            kept AS (
                UPDATE kg_entities e SET import_id = coalesce(f.heir, nullif(f.edge_import, $2)) FROM fates f
                WHERE e.tenant_id = $1 AND e.id = f.id AND (f.heir IS NOT NULL OR f.needed) RETURNING e.id),
            gone AS (
                DELETE FROM kg_entities e USING fates f WHERE e.tenant_id = $1 AND e.id = f.id AND f.heir IS NULL AND NOT f.needed RETURNING e.id)
            SELECT (SELECT count(*) FROM next), (SELECT count(*) FROM gone), (SELECT count(*) FROM kept)
            """, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(import) });
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return (row.GetInt64(0), row.GetInt64(1));
    }

    private async Task<long> RemoveAsync(NpgsqlTransaction transaction, Guid import, string prefix, string table, string[] ids, CancellationToken ct)
    {
        await using (var pass = SqlText.Command($"""
            UPDATE {table} o SET import_id = h.heir
            FROM (SELECT DISTINCT ON (n.id) n.id, r.import_id AS heir
                  FROM unnest($3) AS n(id) JOIN import_rows r ON r.tenant_id = $1 AND r.object = $4 || n.id AND r.import_id <> $2
                  JOIN imports i ON i.tenant_id = r.tenant_id AND i.id = r.import_id AND i.status <> 'undone'
                  ORDER BY n.id, r.import_id) h
            WHERE o.tenant_id = $1 AND o.id = h.id AND o.import_id = $2
            """, transaction))
        {
            pass.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(import), Texts(ids), Text(prefix) });
            await pass.ExecuteNonQueryAsync(ct);
        }

        await using var remove = SqlText.Command($"DELETE FROM {table} WHERE tenant_id = $1 AND import_id = $2 AND id = ANY($3)", transaction);
        remove.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(import), Texts(ids) });
        return await remove.ExecuteNonQueryAsync(ct);
    }
}

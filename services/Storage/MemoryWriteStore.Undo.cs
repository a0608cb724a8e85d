using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>What an import added to memories that were there before it.</summary>
public sealed partial class MemoryWriteStore
{
    /// <summary>Takes back the entries that an import left in <c>provenance.duplicates</c>, or gives them to another import that brought the same.</summary>
    /// <param name="heirs">Memory → that other import; null where there is none.</param>
    public async Task TakeBackAsync(NpgsqlTransaction transaction, Guid import, IReadOnlyCollection<KeyValuePair<Guid, Guid?>> heirs, CancellationToken ct)
    {
        if (heirs.Count == 0)
        {
            return;
        }

        await ExecuteAsync(transaction, $$"""
            UPDATE memories m SET provenance = CASE WHEN d.entries IS NULL THEN provenance - 'duplicates' ELSE jsonb_set(provenance, '{duplicates}', d.entries) END
            FROM (SELECT h.id, (SELECT jsonb_agg(CASE WHEN e ->> '{{ImportMark}}' = $4 THEN jsonb_set(e, '{{{ImportMark}}}', to_jsonb(h.heir)) ELSE e END ORDER BY n)
                                FROM jsonb_array_elements(o.provenance -> 'duplicates') WITH ORDINALITY AS a(e, n)
                                WHERE e ->> '{{ImportMark}}' IS DISTINCT FROM $4 OR h.heir IS NOT NULL) AS entries
                  FROM unnest($2, $3) AS h(id, heir) JOIN memories o ON o.tenant_id = $1 AND o.id = h.id
                  WHERE o.provenance -> 'duplicates' @> jsonb_build_array(jsonb_build_object('{{ImportMark}}', $4::text))) AS d
            WHERE m.tenant_id = $1 AND m.id = d.id
            """, ct,
            Text(tenant.Current),
            Uuids([.. heirs.Select(h => h.Key)]),
            new NpgsqlParameter<Guid?[]> { TypedValue = [.. heirs.Select(h => h.Value)] },
            Text(import.ToString()));
    }
}

using Mahavishnu.Contracts;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>Memories that go and come back together, such as the turns of a conversation.</summary>
public sealed partial class MemoryWriteStore
{
    /// <summary>Hides memories as if each were deleted, within the caller's transaction: all of them bear the time of its start.</summary>
    /// <returns>How many were there to hide.</returns>
    public async Task<int> DeleteAsync(NpgsqlTransaction transaction, IReadOnlyCollection<Guid> ids, CancellationToken ct)
    {
        var there = new List<Guid>();
        await using (var command = new NpgsqlCommand(
            "SELECT id FROM memories WHERE tenant_id = $1 AND id = ANY($2) AND deleted_at IS NULL ORDER BY id FOR UPDATE", transaction.Connection, transaction))
        {
            command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids([.. ids]) });
            await using var row = await command.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
            {
                there.Add(row.GetGuid(0));
            }
        }

        if (there.Count > 0)
        {
            await HideAsync(transaction, [.. there], ct);
        }

        return there.Count;
    }

    /// <summary>Brings deleted memories back within the caller's transaction. One whose key another memory has by now, or an earlier one of the list, stays deleted.</summary>
    /// <returns>How many came back.</returns>
    public async Task<int> RestoreAsync(NpgsqlTransaction transaction, IReadOnlyList<Guid> ids, CancellationToken ct)
    {
        var back = new HashSet<Guid>();
        var keys = new HashSet<string>(StringComparer.Ordinal);
        var found = await DeletedAsync(transaction, ids, ct);
        foreach (var id in ids)
        {
            if (found.TryGetValue(id, out var memory) && !memory.Taken && (memory.Key is null || keys.Add(memory.Key)))
            {
                back.Add(id);
            }
        }

        if (back.Count > 0)
        {
            await ReviveAsync(transaction, [.. back], ct);
        }

        return back.Count;
    }

    private async Task<Dictionary<Guid, (string? Key, bool Taken)>> DeletedAsync(NpgsqlTransaction transaction, IEnumerable<Guid> ids, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            SELECT d.id, d.key, EXISTS (SELECT FROM memories m WHERE m.tenant_id = $1 AND m.dedupe_key = d.key)
            FROM (SELECT id, provenance ->> 'dedupeKey' AS key FROM memories
                  WHERE tenant_id = $1 AND id = ANY($2) AND deleted_at IS NOT NULL ORDER BY id FOR UPDATE) d
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids([.. ids]) });
        var found = new Dictionary<Guid, (string?, bool)>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            found.Add(row.GetGuid(0), (row.IsDBNull(1) ? null : row.GetString(1), row.GetBoolean(2)));
        }

        return found;
    }

    private async Task HideAsync(NpgsqlTransaction transaction, Guid[] ids, CancellationToken ct)
    {
        await RecordAsync(transaction, ids, MemoryChanges.Delete, ct);
        // The key moves into the provenance, so that the same text can be stored anew and a restore can take it back.
        await ExecuteAsync(transaction, """
            UPDATE memories SET deleted_at = now(), updated_at = now(), version = version + 1, dedupe_key = NULL,
                provenance = CASE WHEN dedupe_key IS NULL THEN provenance ELSE provenance || jsonb_build_object('dedupeKey', dedupe_key) END
            WHERE tenant_id = $1 AND id = ANY($2)
            """, ct, Text(tenant.Current), Uuids(ids));
        await DropVectorsAsync(transaction, ids, ct);
    }

    private async Task ReviveAsync(NpgsqlTransaction transaction, Guid[] ids, CancellationToken ct)
    {
        await RecordAsync(transaction, ids, MemoryChanges.Restore, ct);
        await TakeKeyAsync(transaction, """
            UPDATE memories SET deleted_at = NULL, updated_at = now(), version = version + 1, dedupe_key = provenance ->> 'dedupeKey', provenance = provenance - 'dedupeKey'
            WHERE tenant_id = $1 AND id = ANY($2)
            """, ct, Text(tenant.Current), Uuids(ids));
        await EnqueueAsync(transaction, ids, ct);
    }
}

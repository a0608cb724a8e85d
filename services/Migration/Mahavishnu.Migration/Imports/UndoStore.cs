using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Migration;

/// <summary>What a step of an undo did.</summary>
/// <param name="Done">What was taken back; 0: nothing is left.</param>
/// <param name="Rows">Rows of the import among it.</param>
internal sealed record UndoStep(long Done, long Rows, long Removed, long Passed, IReadOnlyList<Guid> Kept, long ObjectsRemoved);

/// <summary>Takes an import back in steps, each a transaction: what only it brought goes, what another import brought as well passes to that one, what was changed since stays.</summary>
internal sealed partial class UndoStore(NpgsqlDataSource db, TenantScope tenant, MemoryWriteStore memories, ObjectStore objects)
{
    private const int RowsInStep = 1_000;

    /// <summary>Says that the import is undone, from which moment it keeps nothing alive, and how many of its rows are to be taken back.</summary>
    public async Task<long> BeginAsync(Guid import, Guid operation, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            WITH marked AS (UPDATE imports SET status = 'undone', operation_id = $3, finished_at = now() WHERE tenant_id = $1 AND id = $2)
            SELECT count(*) FROM import_rows WHERE tenant_id = $1 AND import_id = $2
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(import), Uuid(operation) });
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Takes back the next rows.</summary>
    public Task<UndoStep> StepAsync(Guid import, CancellationToken ct) => TransientRetry.RunAsync(
        async token =>
        {
            await using var connection = await db.OpenConnectionAsync(token);
            await using var transaction = await connection.BeginTransactionAsync(token);
            var (ids, things) = await NextAsync(transaction, import, token);
            var step = ids.Length + things.Length > 0
                ? await TakeBackAsync(transaction, import, ids, things, token)
                : await EntitiesAsync(transaction, import, token);
            await transaction.CommitAsync(token);
            return step;
        },
        ct);

    private async Task<UndoStep> TakeBackAsync(NpgsqlTransaction transaction, Guid import, Guid[] ids, string[] things, CancellationToken ct)
    {
        await LockAsync(transaction, ids, ct);
        var fates = await FatesAsync(transaction, import, ids, ct);
        // Edges before their sentences and ends; entities at the very end.
        var gone = await objects.RemoveAsync(transaction, import, things, ct);
        var removed = await memories.RemoveAsync(transaction, [.. fates.Where(f => f is { Made: true, Heir: null, Changed: false }).Select(f => f.Memory)], ct);
        await InheritAsync(transaction, [.. fates.Where(f => f is { Made: true, Heir: not null })], ct);
        await memories.TakeBackAsync(transaction, import, [.. fates.Select(f => KeyValuePair.Create(f.Memory, f.Echo))], ct);
        var rows = await ForgetAsync(transaction, import, ids, things, ct);
        return new UndoStep(rows, rows, removed, fates.Count(f => f is { Made: true, Heir: not null }), [.. fates.Where(f => f is { Made: true, Heir: null, Changed: true }).Select(f => f.Memory)], gone);
    }

    private async Task<UndoStep> EntitiesAsync(NpgsqlTransaction transaction, Guid import, CancellationToken ct)
    {
        var (seen, removed) = await objects.RemoveEntitiesAsync(transaction, import, ct);
        return new UndoStep(seen, 0, 0, 0, [], removed);
    }

    /// <param name="Made">By this import; else it was there before.</param>
    /// <param name="Heir">Another import that brought it, too.</param>
    /// <param name="Echo">A later import that repeated it: what that one said differently may be on record as said by this one.</param>
    /// <param name="Changed">By somebody, since.</param>
    private sealed record Fate(Guid Memory, bool Made, Guid? Heir, Guid? Echo, bool Changed);

    /// <summary>Memories and objects of the next rows, and the objects of all other rows that became the same memories: these rows go with them.</summary>
    private async Task<(Guid[] Memories, string[] Objects)> NextAsync(NpgsqlTransaction transaction, Guid import, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            WITH next AS (SELECT memory_id, object FROM import_rows WHERE tenant_id = $1 AND import_id = $2 ORDER BY file_number, table_number, row LIMIT $3),
            whole AS (
                SELECT memory_id, object FROM next
                UNION
                SELECT r.memory_id, r.object FROM import_rows r JOIN next n ON n.memory_id = r.memory_id WHERE r.tenant_id = $1 AND r.import_id = $2)
            SELECT array_agg(DISTINCT memory_id) FILTER (WHERE memory_id IS NOT NULL), array_agg(DISTINCT object) FILTER (WHERE object IS NOT NULL) FROM whole
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(import), new NpgsqlParameter<int> { TypedValue = RowsInStep } });
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return (row.IsDBNull(0) ? [] : row.GetFieldValue<Guid[]>(0), row.IsDBNull(1) ? [] : row.GetFieldValue<string[]>(1));
    }

    // An import that finds one of them there holds it until its commit, and is seen afterwards.
    private async Task LockAsync(NpgsqlTransaction transaction, Guid[] ids, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT FROM memories WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids(ids) });
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<IReadOnlyList<Fate>> FatesAsync(NpgsqlTransaction transaction, Guid import, Guid[] ids, CancellationToken ct)
    {
        // A deletion is no change that anybody would miss.
        await using var command = new NpgsqlCommand("""
            SELECT m.id,
                   EXISTS (SELECT FROM import_rows r WHERE r.tenant_id = $1 AND r.memory_id = m.id AND r.import_id = $3 AND r.made),
                   (SELECT r.import_id FROM import_rows r JOIN imports i ON i.tenant_id = r.tenant_id AND i.id = r.import_id AND i.status <> 'undone'
                    WHERE r.tenant_id = $1 AND r.memory_id = m.id AND r.import_id <> $3 ORDER BY r.import_id LIMIT 1),
                   (SELECT r.import_id FROM import_rows r JOIN imports i ON i.tenant_id = r.tenant_id AND i.id = r.import_id AND i.status <> 'undone'
                    WHERE r.tenant_id = $1 AND r.memory_id = m.id AND r.import_id > $3 AND NOT r.made ORDER BY r.import_id LIMIT 1),
                   EXISTS (SELECT FROM memory_history h WHERE h.tenant_id = $1 AND h.memory_id = m.id AND h.change = 'update')
            FROM unnest($2) AS m(id)
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids(ids), Uuid(import) });
        var fates = new List<Fate>(ids.Length);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            fates.Add(new Fate(row.GetGuid(0), row.GetBoolean(1), row.IsDBNull(2) ? null : row.GetGuid(2), row.IsDBNull(3) ? null : row.GetGuid(3), row.GetBoolean(4)));
        }

        return fates;
    }

    /// <summary>The first row of each heir that repeated a memory is now the one that made it.</summary>
    private async Task InheritAsync(NpgsqlTransaction transaction, IReadOnlyList<Fate> fates, CancellationToken ct)
    {
        if (fates.Count == 0)
        {
            return;
        }

        await using var command = new NpgsqlCommand("""
            UPDATE import_rows r SET made = true
            FROM (SELECT DISTINCT ON (o.memory_id) o.import_id, o.file_number, o.table_number, o.row
                  FROM unnest($2, $3) AS h(memory_id, heir) JOIN import_rows o ON o.tenant_id = $1 AND o.memory_id = h.memory_id AND o.import_id = h.heir
                  ORDER BY o.memory_id, o.file_number, o.table_number, o.row) f
            WHERE r.tenant_id = $1 AND r.import_id = f.import_id AND r.file_number = f.file_number AND r.table_number = f.table_number AND r.row = f.row
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids([.. fates.Select(f => f.Memory)]), Uuids([.. fates.Select(f => f.Heir!.Value)]) });
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<long> ForgetAsync(NpgsqlTransaction transaction, Guid import, Guid[] ids, string[] things, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("DELETE FROM import_rows WHERE tenant_id = $1 AND import_id = $2 AND (memory_id = ANY($3) OR memory_id IS NULL AND object = ANY($4))", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(import), Uuids(ids), new NpgsqlParameter<string[]> { TypedValue = things } });
        return await command.ExecuteNonQueryAsync(ct);
    }
}

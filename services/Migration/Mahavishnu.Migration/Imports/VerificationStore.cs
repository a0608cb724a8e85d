using Mahavishnu.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Mahavishnu.Migration;

/// <param name="What">What is not as it should be, as a sentence.</param>
internal sealed record RowDifference(long Row, string What);

/// <summary>Looks in the target for what rows of the source should have become.</summary>
internal sealed class VerificationStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>The rows that are not accounted for.</summary>
    public async Task<IReadOnlyList<RowDifference>> CompareAsync(TableKey key, IReadOnlyList<SourceRow> rows, CancellationToken ct)
    {
        var differences = new List<RowDifference>();
        await CompareMemoriesAsync(key, [.. rows.Select(Text).OfType<(long, MemoryDraft)>()], differences, ct);
        await CompareObjectsAsync<EntityRow>(key, ObjectStore.Entity, r => r.Entity.Id, rows, differences, ct);
        await CompareObjectsAsync<EdgeRow>(key, ObjectStore.Edge, r => r.Edge.Id, rows, differences, ct);
        await CompareObjectsAsync<GroupRow>(key, ObjectStore.Group, r => r.Id, rows, differences, ct);
        await CompareObjectsAsync<DependencyRow>(key, ObjectStore.Dependency, r => r.Id, rows, differences, ct);
        await CompareObjectsAsync<SessionLinkRow>(key, ObjectStore.SessionLink, r => r.Id, rows, differences, ct);
        await CompareObjectsAsync<CausalLinkRow>(key, ObjectStore.CausalLink, r => r.Id, rows, differences, ct);
        var rejected = await RejectedAsync(key, [.. differences.Select(d => d.Row), .. rows.OfType<RejectedRow>().Select(r => r.Number)], ct);
        differences.AddRange(rows.OfType<RejectedRow>().Select(r => new RowDifference(r.Number, $"It should be among the rejects: {r.Reason}")));
        return [.. differences.Where(d => !rejected.Contains(d.Row)).DistinctBy(d => d.Row)];
    }

    private static (long, MemoryDraft)? Text(SourceRow row) => row switch
    {
        TextRow text => (row.Number, text.Draft),
        EdgeRow edge => (row.Number, edge.Sentence),
        _ => null,
    };

    // A memory that was changed since need not be what it was; that it is there is enough.
    private async Task CompareMemoriesAsync(TableKey key, IReadOnlyList<(long Row, MemoryDraft Draft)> texts, List<RowDifference> differences, CancellationToken ct)
    {
        if (texts.Count == 0)
        {
            return;
        }

        await using var command = db.CreateCommand("""
            SELECT s.row, CASE WHEN r.memory_id IS NULL THEN 'The import has no account of it.'
                               WHEN m.id IS NULL THEN 'Its memory is gone.'
                               WHEN m.content_hash <> s.hash OR sha256(convert_to(m.content, 'UTF8')) <> s.hash THEN 'Its memory has another content.'
                               ELSE 'Its memory has another time: ' || m.occurred_at END
            FROM unnest($5, $6, $7) AS s(row, hash, at)
            LEFT JOIN import_rows r ON r.tenant_id = $1 AND r.import_id = $2 AND r.file_number = $3 AND r.table_number = $4 AND r.row = s.row
            LEFT JOIN memories m ON m.tenant_id = $1 AND m.id = r.memory_id
            WHERE (m.id IS NOT NULL
                   AND (m.version > 1 OR m.content_hash = s.hash AND sha256(convert_to(m.content, 'UTF8')) = s.hash AND (NOT r.made OR m.occurred_at = s.at))) IS NOT TRUE
            """);
        command.Parameters.AddRange(Key(key));
        command.Parameters.AddRange(new NpgsqlParameter[]
        {
            new NpgsqlParameter<long[]> { TypedValue = [.. texts.Select(t => t.Row)] },
            new NpgsqlParameter<byte[][]> { TypedValue = [.. texts.Select(t => t.Draft.ContentHash)] },
            new NpgsqlParameter<DateTimeOffset[]> { TypedValue = [.. texts.Select(t => t.Draft.OccurredAt.ToUniversalTime())] },
        });
        await ReadAsync(command, differences, ct);
    }

    private async Task CompareObjectsAsync<TRow>(TableKey key, string kind, Func<TRow, string> id, IReadOnlyList<SourceRow> rows, List<RowDifference> differences, CancellationToken ct) where TRow : SourceRow
    {
        var some = rows.OfType<TRow>().ToList();
        if (some.Count == 0)
        {
            return;
        }

        await using var command = SqlText.Command($"""
            SELECT s.row, CASE WHEN r.object IS NULL THEN 'The import has no account of it.' ELSE 'Its {kind} is gone.' END
            FROM unnest($5, $6) AS s(row, id)
            LEFT JOIN import_rows r ON r.tenant_id = $1 AND r.import_id = $2 AND r.file_number = $3 AND r.table_number = $4 AND r.row = s.row
            WHERE r.object IS NULL OR NOT EXISTS (SELECT FROM {ObjectStore.TableOf(kind)} o WHERE o.tenant_id = $1 AND o.id = s.id)
            """, db);
        command.Parameters.AddRange(Key(key));
        command.Parameters.AddRange(new NpgsqlParameter[]
        {
            new NpgsqlParameter<long[]> { TypedValue = [.. some.Select(r => r.Number)] }, new NpgsqlParameter<string[]> { TypedValue = [.. some.Select(id)] },
        });
        await ReadAsync(command, differences, ct);
    }

    private async Task<HashSet<long>> RejectedAsync(TableKey key, long[] rows, CancellationToken ct)
    {
        var rejected = new HashSet<long>();
        if (rows.Length == 0)
        {
            return rejected;
        }

        await using var command = db.CreateCommand("""
            SELECT j.row FROM import_rejects j JOIN import_tables t ON t.tenant_id = j.tenant_id AND t.import_id = j.import_id AND t.file = j.file AND t.name = j.name
            WHERE t.tenant_id = $1 AND t.import_id = $2 AND t.file_number = $3 AND t.number = $4 AND j.row = ANY($5)
            """);
        command.Parameters.AddRange(Key(key));
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = rows });
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            rejected.Add(row.GetInt64(0));
        }

        return rejected;
    }

    private static async Task ReadAsync(NpgsqlCommand command, List<RowDifference> differences, CancellationToken ct)
    {
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            differences.Add(new RowDifference(row.GetInt64(0), row.GetString(1)));
        }
    }

    private NpgsqlParameter[] Key(TableKey key) =>
    [
        new() { Value = tenant.Current, NpgsqlDbType = NpgsqlDbType.Text }, new NpgsqlParameter<Guid> { TypedValue = key.Import },
        new NpgsqlParameter<short> { TypedValue = key.File }, new NpgsqlParameter<short> { TypedValue = key.Table },
    ];
}

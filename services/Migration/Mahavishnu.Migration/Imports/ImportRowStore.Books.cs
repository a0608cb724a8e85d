using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Migration;

/// <summary>The books of an import: cursors, counts, what became of each row.</summary>
internal sealed partial class ImportRowStore
{
    private async Task<long> CursorAsync(NpgsqlTransaction transaction, TableKey key, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "SELECT cursor FROM import_tables WHERE tenant_id = $1 AND import_id = $2 AND file_number = $3 AND number = $4 FOR UPDATE", transaction.Connection, transaction);
        command.Parameters.AddRange(Key(key));
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    private async Task MoveAsync(NpgsqlTransaction transaction, TableKey key, long cursor, TableCounts counts, double seconds, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            UPDATE import_tables SET cursor = $5, seconds = seconds + $6, read = read + $7, imported = imported + $8, duplicate = duplicate + $9, rejected = rejected + $10,
                sentences_imported = sentences_imported + $11, sentences_duplicate = sentences_duplicate + $12, by_name = by_name + $13
            WHERE tenant_id = $1 AND import_id = $2 AND file_number = $3 AND number = $4
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(Key(key));
        command.Parameters.Add(Number(cursor));
        command.Parameters.Add(new NpgsqlParameter<double> { TypedValue = seconds });
        command.Parameters.AddRange(new[]
        {
            Number(counts.Read), Number(counts.Imported), Number(counts.Duplicate), Number(counts.Rejected),
            Number(counts.SentencesImported), Number(counts.SentencesDuplicate), Number(counts.ByName),
        });
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<TableState> ReadAsync(NpgsqlTransaction transaction, TableState table, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            SELECT cursor, seconds, imported, duplicate, rejected, sentences_imported, sentences_duplicate, by_name FROM import_tables
            WHERE tenant_id = $1 AND import_id = $2 AND file_number = $3 AND number = $4
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(Key(table.Key));
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return table with
        {
            Cursor = row.GetInt64(0),
            Seconds = row.GetDouble(1),
            Counts = new TableCounts
            {
                Imported = row.GetInt64(2),
                Duplicate = row.GetInt64(3),
                Rejected = row.GetInt64(4),
                SentencesImported = row.GetInt64(5),
                SentencesDuplicate = row.GetInt64(6),
                ByName = row.GetInt64(7),
            },
        };
    }

    private async Task KeepAsync(NpgsqlTransaction transaction, TableKey key, List<RowFate> fates, CancellationToken ct)
    {
        if (fates.Count == 0)
        {
            return;
        }

        await using var command = new NpgsqlCommand("""
            INSERT INTO import_rows (tenant_id, import_id, file_number, table_number, row, made, memory_id, object, source_id)
            SELECT $1, $2, $3, $4, * FROM unnest($5, $6, $7, $8, $9)
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(Key(key));
        command.Parameters.AddRange(new NpgsqlParameter[]
        {
            new NpgsqlParameter<long[]> { TypedValue = [.. fates.Select(f => f.Row)] },
            new NpgsqlParameter<bool[]> { TypedValue = [.. fates.Select(f => f.Made)] },
            new NpgsqlParameter<Guid?[]> { TypedValue = [.. fates.Select(f => f.Memory)] },
            new NpgsqlParameter<string?[]> { TypedValue = [.. fates.Select(f => f.Object)] },
            new NpgsqlParameter<string?[]> { TypedValue = [.. fates.Select(f => f.SourceId)] },
        });
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task RejectAsync(NpgsqlTransaction transaction, TableKey key, List<RejectedRow> rejects, CancellationToken ct)
    {
        if (rejects.Count == 0)
        {
            return;
        }

        await using var command = new NpgsqlCommand("""
            INSERT INTO import_rejects (tenant_id, import_id, file, name, row, reason, raw)
            SELECT $1, $2, t.file, t.name, r.row, r.reason, r.raw::jsonb
            FROM unnest($5, $6, $7) AS r(row, reason, raw) JOIN import_tables t ON t.tenant_id = $1 AND t.import_id = $2 AND t.file_number = $3 AND t.number = $4
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(Key(key));
        command.Parameters.AddRange(new NpgsqlParameter[]
        {
            new NpgsqlParameter<long[]> { TypedValue = [.. rejects.Select(r => r.Number)] },
            new NpgsqlParameter<string[]> { TypedValue = [.. rejects.Select(r => r.Reason)] },
            new NpgsqlParameter<string[]> { TypedValue = [.. rejects.Select(r => r.RawJson)] },
        });
        await command.ExecuteNonQueryAsync(ct);
    }

    private NpgsqlParameter[] Key(TableKey key) =>
    [
        Text(tenant.Current), new NpgsqlParameter<Guid> { TypedValue = key.Import },
        new NpgsqlParameter<short> { TypedValue = key.File }, new NpgsqlParameter<short> { TypedValue = key.Table },
    ];

    private static NpgsqlParameter Number(long value) => new NpgsqlParameter<long> { TypedValue = value };
}

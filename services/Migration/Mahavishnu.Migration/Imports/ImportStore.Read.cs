using System.Text.Json;
using Mahavishnu.Contracts;
using Npgsql;
using NpgsqlTypes;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Migration;

/// <summary>Imports as they are shown.</summary>
internal sealed partial class ImportStore
{
    /// <summary>Newest first.</summary>
    /// <param name="before">Id of the last import of the page before.</param>
    public async Task<IReadOnlyList<ImportSummary>> ListAsync(Guid? before, int limit, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"""
            SELECT i.id, {Status}, i.options, i.time_zone, coalesce(t.imported, 0), coalesce(t.duplicate, 0), coalesce(t.rejected, 0), i.started_at, i.finished_at
            FROM imports i LEFT JOIN operations o ON o.tenant_id = i.tenant_id AND o.id = i.operation_id
            LEFT JOIN LATERAL (SELECT sum(imported)::bigint AS imported, sum(duplicate)::bigint AS duplicate, sum(rejected)::bigint AS rejected
                               FROM import_tables t WHERE t.tenant_id = i.tenant_id AND t.import_id = i.id AND t.role = 'text') t ON true
            WHERE i.tenant_id = $1 AND ($2::uuid IS NULL OR (i.started_at, i.id) < (SELECT started_at, id FROM imports WHERE tenant_id = $1 AND id = $2))
            ORDER BY i.started_at DESC, i.id DESC LIMIT $3
            """);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), new NpgsqlParameter { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }, new NpgsqlParameter<int> { TypedValue = limit },
        });
        var imports = new List<ImportSummary>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var (imported, duplicate, rejected) = (row.GetInt64(4), row.GetInt64(5), row.GetInt64(6));
            imports.Add(new ImportSummary(
                row.GetGuid(0), row.GetString(1), Input(row.GetString(2)).Paths, row.GetString(3), new ImportCounts(imported + duplicate + rejected, imported, duplicate, rejected),
                row.GetFieldValue<DateTimeOffset>(7), Time(row, 8)));
        }

        return imports;
    }

    public async Task<bool> ExistsAsync(Guid id, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT EXISTS (SELECT FROM imports WHERE tenant_id = $1 AND id = $2)");
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>The import with its report as it is now; null where there is none.</summary>
    public async Task<Import?> FindAsync(Guid id, CancellationToken ct)
    {
        if (await HeadAsync(id, ct) is not { Import: var import, TimeZone: var timeZone })
        {
            return null;
        }

        var files = await FilesAsync(id, ct);
        return import with
        {
            Files = ImportReporting.Files(files, timeZone),
            Total = ImportReporting.Total(files),
            Seconds = ImportReporting.Seconds(files),
            PendingEmbeddings = import.Status == ImportStatuses.Undone ? 0 : await PendingAsync(id, ct),
        };
    }

    /// <returns>Null: there is no such import.</returns>
    public async Task<ImportStanding?> StandingAsync(Guid id, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"""
            SELECT {Status}, coalesce(o.state IN ('queued', 'running'), false), EXISTS (SELECT FROM import_rows r WHERE r.tenant_id = $1 AND r.import_id = $2)
            FROM imports i LEFT JOIN operations o ON o.tenant_id = i.tenant_id AND o.id = i.operation_id
            WHERE i.tenant_id = $1 AND i.id = $2
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new ImportStanding(row.GetString(0), row.GetBoolean(1), row.GetBoolean(2)) : null;
    }

    /// <summary>In the order of files, tables and rows.</summary>
    /// <param name="after">Place of the last reject of the page before; null: the beginning.</param>
    public async Task<IReadOnlyList<(RejectPlace At, ImportReject Reject)>> RejectsAsync(Guid id, RejectPlace? after, int limit, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            SELECT t.file_number, t.number, r.row, r.file, r.name, r.reason, r.raw
            FROM import_rejects r JOIN import_tables t ON t.tenant_id = r.tenant_id AND t.import_id = r.import_id AND t.file = r.file AND t.name = r.name
            WHERE r.tenant_id = $1 AND r.import_id = $2 AND (t.file_number, t.number, r.row) > ($3, $4, $5)
            ORDER BY t.file_number, t.number, r.row LIMIT $6
            """);
        command.Parameters.AddRange(new NpgsqlParameter[]
        {
            Text(tenant.Current), Uuid(id), new NpgsqlParameter<short> { TypedValue = after?.File ?? 0 }, new NpgsqlParameter<short> { TypedValue = after?.Table ?? 0 },
            new NpgsqlParameter<long> { TypedValue = after?.Row ?? 0 }, new NpgsqlParameter<int> { TypedValue = limit },
        });
        var rejects = new List<(RejectPlace, ImportReject)>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var place = new RejectPlace(row.GetInt16(0), row.GetInt16(1), row.GetInt64(2));
            rejects.Add((place, new ImportReject(row.GetString(3), row.GetString(4), place.Row, row.GetString(5), JsonElement.Parse(row.GetString(6)))));
        }

        return rejects;
    }

    private async Task<(Import Import, string TimeZone)?> HeadAsync(Guid id, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"""
            SELECT {Status}, i.options, i.time_zone, i.report, i.operation_id, i.started_at, i.finished_at
            FROM imports i LEFT JOIN operations o ON o.tenant_id = i.tenant_id AND o.id = i.operation_id
            WHERE i.tenant_id = $1 AND i.id = $2
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct))
        {
            return null;
        }

        var verification = row.IsDBNull(3) ? null : JsonSerializer.Deserialize<ImportVerification>(row.GetString(3), WireJson.Lenient);
        var import = new Import
        {
            ImportId = id,
            Status = row.GetString(0),
            Paths = Input(row.GetString(1)).Paths,
            Verification = verification,
            Verified = ImportReporting.Holds(verification),
            OperationId = row.IsDBNull(4) ? null : row.GetGuid(4),
            StartedAt = row.GetFieldValue<DateTimeOffset>(5),
            FinishedAt = Time(row, 6),
        };
        return (import, row.GetString(2));
    }

    private async Task<IReadOnlyList<FileState>> FilesAsync(Guid id, CancellationToken ct)
    {
        var tables = await TablesAsync(id, ct);
        await using var command = db.CreateCommand("SELECT number, path, hash, bytes, generations, skipped FROM import_files WHERE tenant_id = $1 AND import_id = $2 ORDER BY number");
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        var files = new List<FileState>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var number = row.GetInt16(0);
            files.Add(new FileState(
                number, row.GetString(1), row.IsDBNull(2) ? null : row.GetFieldValue<byte[]>(2), row.GetInt64(3), row.GetFieldValue<string[]>(4),
                JsonSerializer.Deserialize<SkippedTable[]>(row.GetString(5), WireJson.Lenient)!, [.. tables[number]]));
        }

        return files;
    }

    private async Task<ILookup<short, TableState>> TablesAsync(Guid id, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            SELECT file_number, number, name, role, rows, cursor, finished, seconds, imported, duplicate, rejected, sentences_imported, sentences_duplicate, by_name
            FROM import_tables WHERE tenant_id = $1 AND import_id = $2 ORDER BY file_number, number
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        var tables = new List<TableState>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            tables.Add(new TableState(new TableKey(id, row.GetInt16(0), row.GetInt16(1)), row.GetString(2), Role(row.GetString(3)), row.GetInt64(4))
            {
                Cursor = row.GetInt64(5),
                Finished = row.GetBoolean(6),
                Seconds = row.GetDouble(7),
                Counts = new TableCounts
                {
                    Imported = row.GetInt64(8),
                    Duplicate = row.GetInt64(9),
                    Rejected = row.GetInt64(10),
                    SentencesImported = row.GetInt64(11),
                    SentencesDuplicate = row.GetInt64(12),
                    ByName = row.GetInt64(13),
                },
            });
        }

        return tables.ToLookup(t => t.Key.File);
    }

    private static ImportInput Input(string json) => JsonSerializer.Deserialize<ImportInput>(json, WireJson.Lenient)!;

    private static DateTimeOffset? Time(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}

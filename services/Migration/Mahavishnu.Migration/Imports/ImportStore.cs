using System.Runtime.InteropServices;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using NpgsqlTypes;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Migration;

/// <summary>An import that has begun, or goes on.</summary>
/// <param name="StartedAt">Of its first run.</param>
internal sealed record ImportBegun(Guid Id, DateTimeOffset StartedAt, IReadOnlyList<FileState> Files);

/// <summary>What may be done with an import.</summary>
/// <param name="AtWork">An operation is queued or running.</param>
/// <param name="Rest">It has rows that are not taken back.</param>
internal sealed record ImportStanding(string Status, bool AtWork, bool Rest);

/// <summary>Where a reject stands among those of its import.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RejectPlace(short File, short Table, long Row);

/// <summary>Imports as rows: what was asked for, how far each table is, what was rejected.</summary>
internal sealed partial class ImportStore(NpgsqlDataSource db, TenantScope tenant, TimeProvider time)
{
    // A run that ended without a word is as its operation says.
    private const string Status = "CASE WHEN i.status = 'running' AND o.state IN ('failed', 'cancelled') THEN o.state ELSE i.status END";

    /// <summary>Begins an import, or goes on with the unfinished one of the same files and settings.</summary>
    /// <param name="fingerprint">Of files and settings.</param>
    /// <param name="files">As they were opened: nothing done yet.</param>
    /// <exception cref="OperationFailedException">Another operation is at work on it.</exception>
    public async Task<ImportBegun> BeginAsync(Guid operation, byte[] fingerprint, ImportInput input, IReadOnlyList<FileState> files, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if (await ResumeAsync(transaction, operation, fingerprint, ct) is { } known)
        {
            await transaction.CommitAsync(ct);
            return new ImportBegun(known.Id, known.StartedAt, await FilesAsync(known.Id, ct));
        }

        var begun = new ImportBegun(Guid.CreateVersion7(time.GetUtcNow()), Microseconds(time.GetUtcNow()), files);
        begun = begun with { Files = [.. files.Select(f => f with { Tables = [.. f.Tables.Select(t => t with { Key = t.Key with { Import = begun.Id } })] })] };
        await CreateAsync(transaction, operation, fingerprint, input, begun, ct);
        await transaction.CommitAsync(ct);
        return begun;
    }

    /// <summary>Marks an import as done.</summary>
    /// <param name="verification">Null where it was not verified.</param>
    public async Task CompleteAsync(Guid id, ImportVerification? verification, CancellationToken ct)
    {
        await using var command = db.CreateCommand("UPDATE imports SET status = 'completed', report = $3, finished_at = now() WHERE tenant_id = $1 AND id = $2 AND status = 'running'");
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Uuid(id),
            new NpgsqlParameter { Value = verification is null ? DBNull.Value : JsonSerializer.Serialize(verification, WireJson.Lenient), NpgsqlDbType = NpgsqlDbType.Jsonb },
        });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Memories of the import that still have no vector in the active space.</summary>
    public async Task<long> PendingAsync(Guid id, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            SELECT CASE WHEN EXISTS (SELECT FROM embedding_spaces WHERE state = 'active')
                THEN (SELECT count(*) FROM embedding_queue q JOIN embedding_spaces s ON s.id = q.space_id AND s.state = 'active'
                      WHERE q.tenant_id = $1 AND q.failed_at IS NULL
                        AND EXISTS (SELECT FROM import_rows r WHERE r.tenant_id = $1 AND r.memory_id = q.memory_id AND r.import_id = $2))
                ELSE (SELECT count(DISTINCT memory_id) FROM import_rows WHERE tenant_id = $1 AND import_id = $2) END
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    private async Task<(Guid Id, DateTimeOffset StartedAt)?> ResumeAsync(NpgsqlTransaction transaction, Guid operation, byte[] fingerprint, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            UPDATE imports i SET operation_id = $3, finished_at = NULL
            FROM (SELECT id, operation_id AS before FROM imports WHERE tenant_id = $1 AND file_hash = $2 AND status = 'running' FOR UPDATE) b
            WHERE i.tenant_id = $1 AND i.id = b.id
            RETURNING i.id, i.started_at,
                EXISTS (SELECT FROM operations o WHERE o.tenant_id = $1 AND o.id = b.before AND o.id <> $3 AND o.state IN ('queued', 'running'))
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), new NpgsqlParameter<byte[]> { TypedValue = fingerprint }, Uuid(operation) });
        await using var row = await command.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct))
        {
            return null;
        }

        return row.GetBoolean(2)
            ? throw new OperationFailedException(ErrorCodes.Conflict, "Another operation is importing the same files.")
            : (row.GetGuid(0), row.GetFieldValue<DateTimeOffset>(1));
    }

    private async Task CreateAsync(NpgsqlTransaction transaction, Guid operation, byte[] fingerprint, ImportInput input, ImportBegun begun, CancellationToken ct)
    {
        try
        {
            await ExecuteAsync(transaction, """
                INSERT INTO imports (tenant_id, id, path, file_hash, status, time_zone, options, started_at, operation_id) VALUES ($1, $2, $3, $4, 'running', $5, $6, $7, $8)
                """, ct,
                Text(tenant.Current), Uuid(begun.Id), Text(string.Join('\n', input.Paths)), new NpgsqlParameter<byte[]> { TypedValue = fingerprint }, Text(input.TimeZone),
                Jsonb(JsonSerializer.Serialize(input, WireJson.Lenient)), new NpgsqlParameter<DateTimeOffset> { TypedValue = begun.StartedAt }, Uuid(operation));
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            throw new OperationFailedException(ErrorCodes.Conflict, "Another operation is importing the same files.");
        }

        foreach (var file in begun.Files)
        {
            await ExecuteAsync(transaction, """
                INSERT INTO import_files (tenant_id, import_id, number, path, hash, bytes, generations, skipped) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                """, ct,
                Text(tenant.Current), Uuid(begun.Id), new NpgsqlParameter<short> { TypedValue = file.Number }, Text(file.Path),
                new NpgsqlParameter { Value = (object?)file.Hash ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bytea }, new NpgsqlParameter<long> { TypedValue = file.Bytes },
                new NpgsqlParameter<string[]> { TypedValue = [.. file.Generations] }, Jsonb(JsonSerializer.Serialize(file.Skipped, WireJson.Lenient)));
            await ExecuteAsync(transaction, """
                INSERT INTO import_tables (tenant_id, import_id, file, file_number, number, name, role, rows)
                SELECT $1, $2, $3, $4, * FROM unnest($5, $6, $7, $8)
                """, ct,
                Text(tenant.Current), Uuid(begun.Id), Text(file.Path), new NpgsqlParameter<short> { TypedValue = file.Number },
                new NpgsqlParameter<short[]> { TypedValue = [.. file.Tables.Select(t => t.Key.Table)] }, Texts(file.Tables.Select(t => t.Name)),
                Texts(file.Tables.Select(t => RoleName(t.Role))), new NpgsqlParameter<long[]> { TypedValue = [.. file.Tables.Select(t => t.Rows)] });
        }
    }

    // text, entities, edges, carried
    private static string RoleName(SourceRole role) => role switch
    {
        SourceRole.Text => "text",
        SourceRole.Entities => "entities",
        SourceRole.Edges => "edges",
        SourceRole.Carried => "carried",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "A skipped table is not imported."),
    };

    private static SourceRole Role(string name) => name switch
    {
        "text" => SourceRole.Text,
        "entities" => SourceRole.Entities,
        "edges" => SourceRole.Edges,
        _ => SourceRole.Carried,
    };

    // PostgreSQL keeps microseconds; what is read back must be what was used.
    private static DateTimeOffset Microseconds(DateTimeOffset at) => at.AddTicks(-(at.Ticks % TimeSpan.TicksPerMicrosecond));

    private static async Task ExecuteAsync(NpgsqlTransaction transaction, string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = SqlText.Command(sql, transaction);
        command.Parameters.AddRange(parameters);
        await command.ExecuteNonQueryAsync(ct);
    }
}

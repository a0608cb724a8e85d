using System.Text.Json;
using Mahavishnu.Contracts;
using Npgsql;
using NpgsqlTypes;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>An operation under a worker's lease.</summary>
/// <param name="Token">Proves the claim.</param>
/// <param name="Attempt">From 1; more than 1 when an earlier worker died or was stopped.</param>
public sealed record ClaimedOperation(Guid Id, string Kind, string Subject, JsonElement Input, Guid Token, int Attempt)
{
    /// <summary>Who asked for it: <see cref="TraceText"/>.</summary>
    public string? Trace { get; init; }
}

/// <summary>Long work as rows: asked for, claimed with a lease, reported on, cancelled, ended.</summary>
public sealed class OperationStore(NpgsqlDataSource db, TenantScope tenant, TimeProvider time)
{
    private const string Columns =
        "id, kind, state, done, total, unit, message, result, error_code, error_message, created_at, started_at, finished_at";

    /// <summary>Asks for work. While an unfinished operation of the same kind and subject exists, that one is the answer.</summary>
    /// <param name="input">What the handler needs to know; serialised as the wire is.</param>
    /// <returns>The operation, whether it is new, and its input.</returns>
    public async Task<(Operation Operation, bool Created, JsonElement Input)> StartAsync(string kind, string subject, object input, CancellationToken ct)
    {
        for (var attempt = 0; ; attempt++)
        {
            await using var command = db.CreateCommand($"""
                WITH made AS (
                    INSERT INTO operations (tenant_id, id, kind, subject, input, trace) VALUES ($1, $2, $3, $4, $5, $6)
                    ON CONFLICT (tenant_id, kind, subject) WHERE state IN ('queued', 'running') DO NOTHING
                    RETURNING *)
                SELECT {Columns}, true, input FROM made
                UNION ALL
                SELECT {Columns}, false, input FROM operations WHERE tenant_id = $1 AND kind = $3 AND subject = $4 AND state IN ('queued', 'running')
                LIMIT 1
                """);
            command.Parameters.Add(Text(tenant.Current));
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.CreateVersion7(time.GetUtcNow()) });
            command.Parameters.Add(Text(kind));
            command.Parameters.Add(Text(subject));
            command.Parameters.Add(new NpgsqlParameter { Value = JsonSerializer.Serialize(input, WireJson.Lenient), NpgsqlDbType = NpgsqlDbType.Jsonb });
            command.Parameters.Add(Text(TraceText.Current));
            await using var row = await command.ExecuteReaderAsync(ct);
            if (await row.ReadAsync(ct))
            {
                return (Read(row), row.GetBoolean(13), JsonElement.Parse(row.GetString(14)));
            }

            // The one in the way ended between the two halves of the statement: ask again.
            if (attempt == 5)
            {
                throw new InvalidOperationException($"The operation {kind} {subject} could not be started.");
            }
        }
    }

    public async Task<Operation?> FindAsync(Guid id, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"SELECT {Columns} FROM operations WHERE tenant_id = $1 AND id = $2");
        command.Parameters.Add(Text(tenant.Current));
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    /// <summary>Newest first.</summary>
    /// <param name="before">Id of the last operation of the page before.</param>
    public async Task<IReadOnlyList<Operation>> ListAsync(string? kind, string? state, Guid? before, int limit, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"""
            SELECT {Columns} FROM operations
            WHERE tenant_id = $1 AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR state = $3)
              AND ($4::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM operations WHERE tenant_id = $1 AND id = $4))
            ORDER BY created_at DESC, id DESC LIMIT $5
            """);
        command.Parameters.Add(Text(tenant.Current));
        command.Parameters.Add(Text(kind));
        command.Parameters.Add(Text(state));
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)before ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var operations = new List<Operation>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            operations.Add(Read(row));
        }

        return operations;
    }

    /// <summary>Whether any operation of <paramref name="kinds"/> is queued or running.</summary>
    public async Task<bool> AnyAtWorkAsync(IReadOnlyCollection<string> kinds, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT EXISTS (SELECT FROM operations WHERE tenant_id = $1 AND kind = ANY($2) AND state IN ('queued', 'running'))");
        command.Parameters.Add(Text(tenant.Current));
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. kinds] });
        return (bool)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>The operation that is at work on a subject, else the last one that was; null where there never was one.</summary>
    public async Task<Operation?> FindLatestAsync(string kind, string subject, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"""
            SELECT {Columns} FROM operations WHERE tenant_id = $1 AND kind = $2 AND subject = $3
            ORDER BY state IN ('queued', 'running') DESC, created_at DESC, id DESC LIMIT 1
            """);
        command.Parameters.Add(Text(tenant.Current));
        command.Parameters.Add(Text(kind));
        command.Parameters.Add(Text(subject));
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    /// <summary>Asks a running operation to stop; a queued one is cancelled at once.</summary>
    public Task<Operation?> CancelAsync(Guid id, CancellationToken ct) =>
        OneAsync($"""
            UPDATE operations SET cancel_requested = true,
                state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END,
                finished_at = CASE WHEN state = 'queued' THEN now() ELSE finished_at END
            WHERE tenant_id = $1 AND id = $2 AND state IN ('queued', 'running')
            RETURNING {Columns}
            """, id, ct);

    /// <summary>Queues a failed or cancelled operation again, with the same input; null where it is neither.</summary>
    /// <exception cref="PostgresException">unique_violation: another one of the same kind and subject is at work.</exception>
    public Task<Operation?> RetryAsync(Guid id, CancellationToken ct) =>
        OneAsync($"""
            UPDATE operations SET state = 'queued', cancel_requested = false, attempts = 0, claim = NULL, claimed_until = '-infinity', done = 0, total = NULL,
                message = NULL, result = NULL, error_code = NULL, error_message = NULL, started_at = NULL, finished_at = NULL, trace = $3
            WHERE tenant_id = $1 AND id = $2 AND state IN ('failed', 'cancelled')
            RETURNING {Columns}
            """, id, ct, Text(TraceText.Current));

    /// <summary>Takes the oldest operation of <paramref name="kinds"/> that is queued, or whose worker's lease ran out.</summary>
    public async Task<ClaimedOperation?> ClaimAsync(IReadOnlyCollection<string> kinds, TimeSpan lease, CancellationToken ct)
    {
        using var grace = new Grace(ct);
        await using var command = db.CreateCommand("""
            UPDATE operations SET state = 'running', claim = $3, claimed_until = now() + $2, attempts = attempts + 1, started_at = coalesce(started_at, now())
            WHERE (tenant_id, id) = (
                SELECT tenant_id, id FROM operations
                WHERE kind = ANY($1) AND state IN ('queued', 'running') AND claimed_until < now()
                ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id, kind, subject, input, attempts, trace
            """);
        var token = Guid.CreateVersion7(time.GetUtcNow());
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. kinds] });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = lease });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = token });
        await using var row = await command.ExecuteReaderAsync(grace.Token);
        return await row.ReadAsync(grace.Token)
            ? new ClaimedOperation(row.GetGuid(0), row.GetString(1), row.GetString(2), JsonElement.Parse(row.GetString(3)), token, row.GetInt32(4)) { Trace = row.IsDBNull(5) ? null : row.GetString(5) }
            : null;
    }

    /// <summary>Renews the lease and reports.</summary>
    /// <returns>False when the work must stop: cancelled, or the claim is another's.</returns>
    public async Task<bool> ReportAsync(ClaimedOperation operation, OperationProgress progress, TimeSpan lease, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            UPDATE operations SET claimed_until = now() + $4, done = $5, total = $6, unit = $7, message = $8
            WHERE tenant_id = $1 AND id = $2 AND claim = $3 AND state = 'running'
            RETURNING cancel_requested
            """);
        Identify(command, operation);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = lease });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = progress.Done });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)progress.Total ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(Text(progress.Unit));
        command.Parameters.Add(Text(progress.Message));
        return await command.ExecuteScalarAsync(ct) is false;
    }

    /// <summary>Ends an operation; a claim that was lost ends nothing.</summary>
    public async Task FinishAsync(ClaimedOperation operation, string state, OperationProgress progress, object? result, OperationError? error, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            UPDATE operations SET state = $4, result = $5, error_code = $6, error_message = $7, done = $8, total = $9, unit = $10, message = $11, claim = NULL, finished_at = now()
            WHERE tenant_id = $1 AND id = $2 AND claim = $3
            """);
        Identify(command, operation);
        command.Parameters.Add(Text(state));
        command.Parameters.Add(new NpgsqlParameter { Value = result is null ? DBNull.Value : JsonSerializer.Serialize(result, result.GetType(), WireJson.Lenient), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(Text(error?.Code));
        command.Parameters.Add(Text(error is null ? null : TextSanitizer.Clean(error.Message)));
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = progress.Done });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)progress.Total ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(Text(progress.Unit));
        command.Parameters.Add(Text(progress.Message));
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Gives a claim back: the process stops, another one (or the next start) goes on at once.</summary>
    public async Task ReleaseAsync(ClaimedOperation operation, CancellationToken ct)
    {
        await using var command = db.CreateCommand("UPDATE operations SET state = 'queued', claim = NULL, claimed_until = '-infinity' WHERE tenant_id = $1 AND id = $2 AND claim = $3");
        Identify(command, operation);
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<Operation?> OneAsync(string sql, Guid id, CancellationToken ct, params NpgsqlParameter[] more)
    {
        await using var command = SqlText.Command(sql, db);
        command.Parameters.Add(Text(tenant.Current));
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.AddRange(more);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    private void Identify(NpgsqlCommand command, ClaimedOperation operation)
    {
        command.Parameters.Add(Text(tenant.Current));
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = operation.Id });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = operation.Token });
    }

    private Operation Read(NpgsqlDataReader row)
    {
        var started = row.IsDBNull(11) ? (DateTimeOffset?)null : row.GetFieldValue<DateTimeOffset>(11);
        var finished = row.IsDBNull(12) ? (DateTimeOffset?)null : row.GetFieldValue<DateTimeOffset>(12);
        var done = row.GetInt64(3);
        var seconds = started is { } s ? ((finished ?? time.GetUtcNow()) - s).TotalSeconds : 0;
        return new Operation
        {
            Id = row.GetGuid(0),
            Kind = row.GetString(1),
            State = row.GetString(2),
            Progress = new OperationProgress(
                done, row.IsDBNull(4) ? null : row.GetInt64(4), row.GetString(5), seconds > 0 ? Math.Round(done / seconds, 1) : null, row.IsDBNull(6) ? null : row.GetString(6)),
            Result = row.IsDBNull(7) ? null : JsonElement.Parse(row.GetString(7)),
            Error = row.IsDBNull(8) ? null : new OperationError(row.GetString(8), row.IsDBNull(9) ? "" : row.GetString(9)),
            CreatedAt = row.GetFieldValue<DateTimeOffset>(10),
            StartedAt = started,
            FinishedAt = finished,
        };
    }
}

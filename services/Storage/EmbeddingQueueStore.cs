using System.Numerics.Tensors;
using Mahavishnu.Contracts;
using Npgsql;
using NpgsqlTypes;
using Pgvector;

namespace Mahavishnu.Storage;

/// <summary>A memory to embed, under a lease.</summary>
/// <param name="Attempt">From 1.</param>
public sealed record EmbeddingJob(
    Guid MemoryId, string? Title, string Content, int Attempt, string Type, string Source, string? ProjectId, string? RepoId, DateTimeOffset OccurredAt)
{
    /// <summary>Who wrote it: <see cref="TraceText"/>.</summary>
    public string? Trace { get; init; }
}

/// <summary>Jobs claimed together.</summary>
/// <param name="Token">Proves the claim when the work is handed in.</param>
public sealed record EmbeddingClaim(EmbeddingSpace Space, Guid Token, IReadOnlyList<EmbeddingJob> Jobs);

/// <summary>A job done: one vector a part of the text.</summary>
public sealed record EmbeddedJob(EmbeddingJob Job, IReadOnlyList<ReadOnlyMemory<float>> Parts);

/// <summary>A job not done.</summary>
/// <param name="Reason">One of <see cref="EmbeddingReasons"/>.</param>
/// <param name="Error">The same in words.</param>
public sealed record FailedJob(Guid MemoryId, string Reason, string Error);

/// <summary>The embedding queue: claim with a lease, hand in, give up, look at.</summary>
public sealed partial class EmbeddingQueueStore(NpgsqlDataSource db, TenantScope tenant)
{
    /// <summary>Takes the oldest due jobs: at most <paramref name="limit"/>, and no more once their texts reach <paramref name="bytes"/> (one is always taken).</summary>
    /// <param name="lease">A worker that dies gives its jobs back when this is over.</param>
    public async Task<EmbeddingClaim> ClaimAsync(EmbeddingSpace space, int limit, long bytes, TimeSpan lease, CancellationToken ct)
    {
        var token = Guid.CreateVersion7();
        using var grace = new Grace(ct);
        await using var command = db.CreateCommand("""
            WITH due AS (
                SELECT tenant_id, memory_id, enqueued_at FROM embedding_queue
                WHERE space_id = $1 AND failed_at IS NULL AND claimed_until < now()
                ORDER BY enqueued_at LIMIT $2 FOR UPDATE SKIP LOCKED),
            sized AS (
                SELECT d.tenant_id, d.memory_id, sum(octet_length(m.content)) OVER (ORDER BY d.enqueued_at, d.memory_id) - octet_length(m.content) AS before
                FROM due d JOIN memories m ON m.tenant_id = d.tenant_id AND m.id = d.memory_id),
            claimed AS (
                UPDATE embedding_queue q SET claim = $5, claimed_until = now() + $4, attempts = attempts + 1
                FROM sized s WHERE q.tenant_id = s.tenant_id AND q.memory_id = s.memory_id AND q.space_id = $1 AND s.before < $3
                RETURNING q.tenant_id, q.memory_id, q.attempts, q.trace)
            SELECT m.id, m.title, m.content, c.attempts, m.memory_type, m.source_system, m.project_id, m.repo_id, m.occurred_at, c.trace
            FROM claimed c JOIN memories m ON m.tenant_id = c.tenant_id AND m.id = c.memory_id
            """);
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = bytes });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = lease });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = token });

        var jobs = new List<EmbeddingJob>(limit);
        await using var row = await command.ExecuteReaderAsync(grace.Token);
        while (await row.ReadAsync(grace.Token))
        {
            jobs.Add(new EmbeddingJob(
                row.GetGuid(0), row.IsDBNull(1) ? null : row.GetString(1), row.GetString(2), row.GetInt32(3), row.GetString(4), row.GetString(5),
                row.IsDBNull(6) ? null : row.GetString(6), row.IsDBNull(7) ? null : row.GetString(7), row.GetFieldValue<DateTimeOffset>(8))
            {
                Trace = row.IsDBNull(9) ? null : row.GetString(9),
            });
        }

        return new EmbeddingClaim(space, token, jobs);
    }

    /// <summary>Hands in vectors and takes their memories from the queue, in one transaction. Jobs whose claim was lost (the memory changed or is gone, the lease ran out and another took it) are dropped.</summary>
    /// <returns>How many were saved.</returns>
    public async Task<int> CompleteAsync(EmbeddingClaim claim, IReadOnlyList<EmbeddedJob> done, CancellationToken ct)
    {
        if (done.Count == 0)
        {
            return 0;
        }

        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var ids = done.Select(d => d.Job.MemoryId).ToArray();
        var mine = await TakeAsync(transaction, claim, ids, ct);
        if (mine.Count == 0)
        {
            // Perhaps the space is gone, too: its table is not asked for.
            return 0;
        }

        await using (var clear = SqlText.Command($"DELETE FROM {claim.Space.Table} WHERE tenant_id = $1 AND memory_id = ANY($2)", transaction))
        {
            clear.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
            clear.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. mine] });
            await clear.ExecuteNonQueryAsync(ct);
        }

        await using (var copy = await connection.BeginBinaryImportAsync(
            $"COPY {claim.Space.Table} (tenant_id, memory_id, part, embedding, memory_type, source_system, project_id, repo_id, occurred_at) FROM STDIN (FORMAT BINARY)", ct))
        {
            foreach (var (job, parts) in done.Where(d => mine.Contains(d.Job.MemoryId)))
            {
                for (var part = 0; part < parts.Count; part++)
                {
                    await copy.StartRowAsync(ct);
                    await copy.WriteAsync(tenant.Current, NpgsqlDbType.Text, ct);
                    await copy.WriteAsync(job.MemoryId, NpgsqlDbType.Uuid, ct);
                    await copy.WriteAsync((short)part, NpgsqlDbType.Smallint, ct);
                    await copy.WriteAsync(new HalfVector(Halves(parts[part].Span)), "halfvec", ct);
                    await copy.WriteAsync(job.Type, NpgsqlDbType.Text, ct);
                    await copy.WriteAsync(job.Source, NpgsqlDbType.Text, ct);
                    await WriteTextAsync(copy, job.ProjectId, ct);
                    await WriteTextAsync(copy, job.RepoId, ct);
                    await copy.WriteAsync(job.OccurredAt.ToUniversalTime(), NpgsqlDbType.TimestampTz, ct);
                }
            }

            await copy.CompleteAsync(ct);
        }

        await transaction.CommitAsync(ct);
        return mine.Count;
    }

    /// <summary>Gives failed jobs back for another attempt after a growing pause, or to the dead-letter list after <paramref name="maxAttempts"/>.</summary>
    /// <param name="pause">Before the second attempt; doubles with each further one.</param>
    public async Task FailAsync(EmbeddingClaim claim, IReadOnlyList<FailedJob> failed, int maxAttempts, TimeSpan pause, CancellationToken ct)
    {
        if (failed.Count == 0)
        {
            return;
        }

        await using var command = db.CreateCommand("""
            UPDATE embedding_queue q SET
                claim = NULL, reason = f.reason, last_error = f.error,
                failed_at = CASE WHEN q.attempts >= $7 THEN now() END,
                claimed_until = now() + $8 * power(2, least(q.attempts, 12) - 1)
            FROM unnest($4, $5, $6) AS f(memory_id, reason, error)
            WHERE q.tenant_id = $1 AND q.space_id = $2 AND q.claim = $3 AND q.memory_id = f.memory_id
            """);
        Identify(command, claim, [.. failed.Select(f => f.MemoryId)]);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. failed.Select(f => f.Reason)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. failed.Select(f => TextSanitizer.Clean(f.Error))] });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = maxAttempts });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = pause });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Holds on to a claim whose work takes longer than its lease.</summary>
    public async Task RenewAsync(EmbeddingClaim claim, TimeSpan lease, CancellationToken ct)
    {
        await using var command = db.CreateCommand("UPDATE embedding_queue SET claimed_until = now() + $5 WHERE tenant_id = $1 AND space_id = $2 AND claim = $3 AND memory_id = ANY($4)");
        Identify(command, claim);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = lease });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Gives a claim back without counting the attempt: the worker stops, or the model is away as a whole.</summary>
    /// <param name="pause">Before anyone takes the jobs again.</param>
    /// <param name="reason">One of <see cref="EmbeddingReasons"/>, where the queue shall show why; null leaves what it says.</param>
    /// <param name="error">The same in words.</param>
    public async Task ReleaseAsync(EmbeddingClaim claim, TimeSpan pause, CancellationToken ct, string? reason = null, string? error = null)
    {
        await using var command = db.CreateCommand("""
            UPDATE embedding_queue SET claim = NULL, claimed_until = now() + $5, attempts = attempts - 1,
                reason = coalesce($6, reason), last_error = CASE WHEN $6 IS NULL THEN last_error ELSE $7 END
            WHERE tenant_id = $1 AND space_id = $2 AND claim = $3 AND memory_id = ANY($4)
            """);
        Identify(command, claim);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = pause });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)reason ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter { Value = error is null ? DBNull.Value : TextSanitizer.Clean(error), NpgsqlDbType = NpgsqlDbType.Text });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Memories of the space still to be embedded, claimed or not; counted no further than <paramref name="atMost"/>, as a queue may hold millions.</summary>
    public async Task<long> CountPendingAsync(EmbeddingSpace space, long atMost, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT count(*) FROM (SELECT FROM embedding_queue WHERE space_id = $1 AND failed_at IS NULL LIMIT $2) AS pending");
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = space.Id });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = atMost });
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Memories that no attempt is made for any more, the latest failure first.</summary>
    /// <param name="after">The last one of the page before.</param>
    public async Task<IReadOnlyList<DeadLetter>> DeadLettersAsync(int limit, CancellationToken ct, (DateTimeOffset FailedAt, Guid MemoryId)? after = null)
    {
        await using var command = db.CreateCommand("""
            SELECT memory_id, space_id, attempts, last_error, failed_at, reason FROM embedding_queue
            WHERE tenant_id = $1 AND failed_at IS NOT NULL AND ($3::timestamptz IS NULL OR (failed_at, memory_id) < ($3, $4))
            ORDER BY failed_at DESC, memory_id DESC LIMIT $2
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.FailedAt.ToUniversalTime() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after?.MemoryId ?? Guid.Empty });
        var letters = new List<DeadLetter>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            letters.Add(new DeadLetter(row.GetGuid(0), row.GetInt16(1), row.GetInt32(2), row.IsDBNull(3) ? null : row.GetString(3), row.GetFieldValue<DateTimeOffset>(4))
            {
                Reason = row.IsDBNull(5) ? null : row.GetString(5),
            });
        }

        return letters;
    }

    /// <summary>Puts dead letters back into the queue.</summary>
    /// <param name="memoryIds">Null: all of them.</param>
    public async Task<long> RetryAsync(IReadOnlyList<Guid>? memoryIds, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            UPDATE embedding_queue SET failed_at = NULL, attempts = 0, claim = NULL, claimed_until = '-infinity'
            WHERE tenant_id = $1 AND failed_at IS NOT NULL AND ($2::uuid[] IS NULL OR memory_id = ANY($2))
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)memoryIds?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        return await command.ExecuteNonQueryAsync(ct);
    }

    // By the key: a search for the claim alone would read a queue of a million rows.
    private void Identify(NpgsqlCommand command, EmbeddingClaim claim, Guid[]? ids = null)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant.Current });
        command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = claim.Space.Id });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = claim.Token });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = ids ?? [.. claim.Jobs.Select(j => j.MemoryId)] });
    }

    private async Task<HashSet<Guid>> TakeAsync(NpgsqlTransaction transaction, EmbeddingClaim claim, Guid[] ids, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "DELETE FROM embedding_queue WHERE tenant_id = $1 AND space_id = $2 AND claim = $3 AND memory_id = ANY($4) RETURNING memory_id", transaction.Connection, transaction);
        Identify(command, claim, ids);
        var taken = new HashSet<Guid>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            taken.Add(row.GetGuid(0));
        }

        return taken;
    }

    private static Half[] Halves(ReadOnlySpan<float> vector)
    {
        var halves = new Half[vector.Length];
        TensorPrimitives.ConvertToHalf(vector, halves);
        return halves;
    }

    private static Task WriteTextAsync(NpgsqlBinaryImporter copy, string? text, CancellationToken ct) =>
        text is null ? copy.WriteNullAsync(ct) : copy.WriteAsync(text, NpgsqlDbType.Text, ct);
}

using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>Messages that somebody reads now.</summary>
/// <param name="Id">Gives what was read to whoever still holds it.</param>
internal sealed record ReadingClaim(Guid Id, string? SessionId, IReadOnlyList<Guid> MessageIds);

/// <summary>
/// The queue of the language model. A message is claimed for as long as a call may take, outside of any transaction; what is found in it is stored in the transaction that
/// says it has been read. Whoever dies between the two leaves it to the next.
/// </summary>
internal sealed class InsightReadingStore(NpgsqlDataSource db, TenantScope tenant, TimeProvider time)
{
    private const int LongestPause = 3_600;
    private const int ExampleLength = 500;

    // Not one that waits, nor one that this very model has read.
    private const string Unread = "r.due_at IS NULL AND (r.read_at IS NULL OR r.model IS DISTINCT FROM";

    /// <summary>Asks for messages to be read, unless they wait already or <paramref name="model"/> has read them.</summary>
    /// <returns>How many now wait that did not before.</returns>
    public async Task<int> AskAsync(NpgsqlTransaction transaction, IReadOnlyList<SaidMessage> messages, bool swept, string model, CancellationToken ct)
    {
        if (messages.Count == 0)
        {
            return 0;
        }

        await using var command = SqlText.Command($"""
            INSERT INTO insight_readings AS r (tenant_id, message_id, session_id, swept)
            SELECT $1, m.id, m.session_id, $4 FROM unnest($2, $3) WITH ORDINALITY AS m(id, session_id, n) ORDER BY m.n
            ON CONFLICT (tenant_id, message_id) DO UPDATE
            SET swept = excluded.swept, enqueued_at = now(), due_at = now(), attempts = 0, reason = NULL, last_error = NULL, read_at = NULL, model = NULL
            WHERE {Unread} $5)
            """, transaction);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Uuids([.. messages.Select(m => m.Id)]), new NpgsqlParameter<string?[]> { TypedValue = [.. messages.Select(m => m.SessionId)] },
            new NpgsqlParameter<bool> { TypedValue = swept }, Text(model),
        });
        return await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The same, in a transaction of its own.</summary>
    public async Task<int> AskAsync(IReadOnlyList<SaidMessage> messages, string model, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var asked = await AskAsync(transaction, messages, swept: true, model, ct);
        await transaction.CommitAsync(ct);
        return asked;
    }

    /// <summary>How many of the messages <see cref="AskAsync(IReadOnlyList{SaidMessage}, string, CancellationToken)"/> would ask for.</summary>
    public async Task<int> ForeseeAsync(IReadOnlyList<SaidMessage> messages, string model, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            SELECT count(*)::int FROM unnest($2) AS m(id) LEFT JOIN insight_readings r ON r.tenant_id = $1 AND r.message_id = m.id
            WHERE r.message_id IS NULL OR ({Unread} $3))
            """, db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids([.. messages.Select(m => m.Id)]), Text(model) });
        return (int)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <summary>Takes the message that is due first, with others of its session; one that failed before is taken alone, so that it fails alone.</summary>
    /// <param name="lease">Then others may take them.</param>
    /// <returns>Null: none is due.</returns>
    public async Task<ReadingClaim?> ClaimAsync(int most, TimeSpan lease, int maxAttempts, CancellationToken ct)
    {
        await GiveUpDeadAsync(maxAttempts, ct);
        var claim = Guid.CreateVersion7(time.GetUtcNow());
        await using var command = db.CreateCommand("""
            WITH first AS MATERIALIZED (
                SELECT message_id, session_id, attempts FROM insight_readings
                WHERE tenant_id = $1 AND due_at <= now() ORDER BY swept, due_at, place LIMIT 1 FOR UPDATE SKIP LOCKED),
            more AS MATERIALIZED (
                SELECT r.message_id FROM first f JOIN insight_readings r ON r.tenant_id = $1 AND r.session_id = f.session_id
                WHERE f.attempts = 0 AND r.attempts = 0 AND r.due_at <= now() AND r.message_id <> f.message_id
                ORDER BY r.place LIMIT $3 - 1 FOR UPDATE OF r SKIP LOCKED),
            mine AS (
                UPDATE insight_readings r SET claim = $2, attempts = r.attempts + 1, due_at = now() + $4
                FROM (SELECT message_id FROM first UNION ALL SELECT message_id FROM more) t
                WHERE r.tenant_id = $1 AND r.message_id = t.message_id
                RETURNING r.message_id, r.session_id, r.place)
            SELECT message_id, session_id FROM mine ORDER BY place
            """);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Uuid(claim), new NpgsqlParameter<int> { TypedValue = most }, new NpgsqlParameter<TimeSpan> { TypedValue = lease },
        });
        var ids = new List<Guid>();
        string? session = null;
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            ids.Add(row.GetGuid(0));
            session = row.IsDBNull(1) ? null : row.GetString(1);
        }

        return ids.Count == 0 ? null : new ReadingClaim(claim, session, ids);
    }

    /// <summary>The claimed messages as they are now, in order; those that are deleted are left out.</summary>
    public async Task<IReadOnlyList<SaidMessage>> MessagesAsync(ReadingClaim claim, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            SELECT {InsightReadStore.Said} FROM unnest($2) WITH ORDINALITY AS t(id, n) JOIN memories m ON m.tenant_id = $1 AND m.id = t.id
            WHERE m.deleted_at IS NULL ORDER BY t.n
            """, db);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids([.. claim.MessageIds]) });
        return await InsightReadStore.ReadAsync(command, ct);
    }

    /// <summary>Gives claimed messages back as if nothing had been.</summary>
    public Task ReleaseAsync(ReadingClaim claim, IReadOnlyList<Guid> messages, CancellationToken ct) =>
        ExecuteAsync(
            "UPDATE insight_readings SET claim = NULL, attempts = attempts - 1, due_at = now() WHERE tenant_id = $1 AND claim = $2 AND message_id = ANY($3)", ct,
            Text(tenant.Current), Uuid(claim.Id), Uuids([.. messages]));

    /// <summary>The messages could not be read: they are tried again later, or given up.</summary>
    /// <returns>How many are given up.</returns>
    public Task<int> FailAsync(ReadingClaim claim, string reason, string error, int maxAttempts, TimeSpan pause, CancellationToken ct) =>
        GivenUpAsync("""
            UPDATE insight_readings SET claim = NULL, reason = $3, last_error = $4,
                due_at = CASE WHEN attempts < $5 THEN now() + least($6 * power(2, attempts - 1), interval '1 second' * $7) END
            WHERE tenant_id = $1 AND claim = $2
            RETURNING due_at IS NULL
            """, ct,
            Text(tenant.Current), Uuid(claim.Id), Text(reason), Text(Example(error)), new NpgsqlParameter<int> { TypedValue = maxAttempts },
            new NpgsqlParameter<TimeSpan> { TypedValue = pause }, new NpgsqlParameter<int> { TypedValue = LongestPause });

    /// <summary>Nothing can be read at all now. That is no attempt; but whatever has waited too long is given up.</summary>
    /// <returns>How many are given up.</returns>
    public Task<int> PutOffAsync(ReadingClaim claim, string reason, string error, TimeSpan maxWait, CancellationToken ct) =>
        GivenUpAsync("""
            UPDATE insight_readings SET claim = NULL, reason = $3, last_error = $4, attempts = CASE WHEN claim = $2 THEN attempts - 1 ELSE attempts END,
                due_at = CASE WHEN enqueued_at > now() - $5 THEN now() END
            WHERE tenant_id = $1 AND (claim = $2 OR (due_at <= now() AND enqueued_at <= now() - $5))
            RETURNING due_at IS NULL
            """, ct,
            Text(tenant.Current), Uuid(claim.Id), Text(reason), Text(Example(error)), new NpgsqlParameter<TimeSpan> { TypedValue = maxWait });

    /// <summary>Marks claimed messages as read, within the transaction that stores what was found in them.</summary>
    /// <returns>Those of them that are there still, and still this claim's.</returns>
    public async Task<HashSet<Guid>> ReadAsync(NpgsqlTransaction transaction, ReadingClaim claim, string model, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            UPDATE insight_readings r SET claim = NULL, due_at = NULL, read_at = now(), model = $3, reason = NULL, last_error = NULL
            FROM memories m WHERE r.tenant_id = $1 AND r.claim = $2 AND m.tenant_id = $1 AND m.id = r.message_id
            RETURNING r.message_id, m.deleted_at IS NULL
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(claim.Id), Text(model) });
        var there = new HashSet<Guid>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            if (row.GetBoolean(1))
            {
                there.Add(row.GetGuid(0));
            }
        }

        return there;
    }

    /// <summary>What waits and what was given up, and why.</summary>
    /// <param name="model">As configured.</param>
    public async Task<InsightStatus> StatusAsync(string? model, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            SELECT r.reason, count(r.due_at), count(*) - count(r.due_at), min(r.enqueued_at) FILTER (WHERE r.due_at IS NOT NULL), min(r.last_error),
                   (SELECT count(*) FROM insight_queue WHERE tenant_id = $1)
            FROM insight_readings r WHERE r.tenant_id = $1 AND (r.due_at IS NOT NULL OR r.read_at IS NULL)
            GROUP BY ROLLUP (r.reason) ORDER BY grouping(r.reason) DESC, count(*) DESC, r.reason
            """);
        command.Parameters.Add(Text(tenant.Current));
        await using var row = await command.ExecuteReaderAsync(ct);
        // All of them together come first, also where there are none.
        await row.ReadAsync(ct);
        var all = new InsightModelStatus(model, row.GetInt64(1), row.GetInt64(2), row.IsDBNull(3) ? null : row.GetFieldValue<DateTimeOffset>(3), []);
        var waiting = row.GetInt64(5);
        var reasons = new List<InsightModelReason>();
        while (await row.ReadAsync(ct))
        {
            if (!row.IsDBNull(0))
            {
                reasons.Add(new InsightModelReason(row.GetString(0), row.GetInt64(1), row.GetInt64(2), row.GetString(4)));
            }
        }

        return new InsightStatus(waiting, all with { Reasons = reasons });
    }

    /// <summary>Those whose last attempt allowed ended with the process that made it.</summary>
    private Task GiveUpDeadAsync(int maxAttempts, CancellationToken ct) =>
        ExecuteAsync("""
            UPDATE insight_readings SET claim = NULL, due_at = NULL, reason = $3, last_error = 'The process that had it read ended before the answer came.'
            WHERE tenant_id = $1 AND due_at <= now() AND attempts >= $2
            """, ct, Text(tenant.Current), new NpgsqlParameter<int> { TypedValue = maxAttempts }, Text(ChatReasons.WorkerDied));

    private async Task<int> GivenUpAsync(string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = SqlText.Command(sql, db);
        command.Parameters.AddRange(parameters);
        var count = 0;
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            count += row.GetBoolean(0) ? 1 : 0;
        }

        return count;
    }

    private async Task ExecuteAsync(string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = SqlText.Command(sql, db);
        command.Parameters.AddRange(parameters);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static string Example(string error) => TextSanitizer.Clean(error.Length > ExampleLength ? error[..ExampleLength] + "…" : error);
}

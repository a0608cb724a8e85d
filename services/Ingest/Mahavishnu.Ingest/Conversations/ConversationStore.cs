using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>What became of a turn.</summary>
/// <param name="Created">False: its client's id was there already, with the same content.</param>
/// <param name="Error">Why it was not stored.</param>
internal sealed record WrittenTurn(Turn Turn, int Ordinal, Guid Id, bool Created, string Embedding, BatchItemError? Error = null);

/// <summary>Conversations on their way in, out and back: the turns' memories through the one write path, and their places beside them in the same transaction.</summary>
internal sealed class ConversationStore(
    MemoryWriteStore memories, InsightExtractor extractor, InsightStore insights, InsightSignal signal, TenantScope tenant, TimeProvider time)
{
    /// <summary>Adds turns. Whoever adds to the same conversation at the same time waits, so that ordinals have no gaps and follow the order of the commits.</summary>
    /// <returns>One for each turn, in order.</returns>
    public async Task<IReadOnlyList<WrittenTurn>> AddAsync(string sessionId, IReadOnlyList<Turn> turns, CancellationToken ct)
    {
        var telling = turns.Where(extractor.Wants).Select(t => t.Memory.Id).ToHashSet();
        var written = await memories.InTransactionAsync(
            async (transaction, token) =>
            {
                await LockAsync(transaction, sessionId, token);
                var outcomes = await memories.WriteAsync(transaction, InOrderOfTime(turns), WriteMode.Insert, token);
                var created = turns.Zip(outcomes).Where(t => t.Second.Status == WriteStatus.Created).Select(t => t.First).ToList();
                await PlaceAsync(transaction, sessionId, created, token);
                if (created.Select(t => t.Memory.Id).Where(telling.Contains).ToArray() is { Length: > 0 } found)
                {
                    await insights.EnqueueAsync(transaction, sessionId, found, token);
                }

                return await ReadAsync(transaction, sessionId, turns, outcomes, token);
            },
            // The ids are made before the first attempt: a second one knows what the first has written.
            repeatable: true,
            ct);
        if (telling.Count > 0)
        {
            signal.Raise();
        }

        return written;
    }

    /// <summary>Hides the turns of a conversation, all at once.</summary>
    /// <returns>False: there are none.</returns>
    public Task<bool> DeleteAsync(string sessionId, CancellationToken ct) =>
        memories.InTransactionAsync(
            async (transaction, token) =>
            {
                if (await FindAsync(transaction, sessionId, token) is null)
                {
                    return false;
                }

                var turns = await TurnsAsync(transaction, sessionId, "m.deleted_at IS NULL", token);
                if (await memories.DeleteAsync(transaction, turns, token) == 0)
                {
                    return false;
                }

                await MarkAsync(transaction, "UPDATE conversations SET deleted_at = now() WHERE tenant_id = $1 AND session_id = $2", sessionId, token);
                return true;
            },
            repeatable: false,
            ct);

    /// <summary>Brings the turns back that went when the conversation was last deleted. One whose client's id names a newer turn by now stays deleted.</summary>
    /// <returns>False: there is no such conversation, or none of its turns was deleted with it.</returns>
    public Task<bool> RestoreAsync(string sessionId, CancellationToken ct) =>
        memories.InTransactionAsync(
            async (transaction, token) =>
            {
                if (await FindAsync(transaction, sessionId, token) is not { } deleted)
                {
                    return false;
                }

                if (deleted)
                {
                    var turns = await TurnsAsync(transaction, sessionId, "m.deleted_at = (SELECT deleted_at FROM conversations WHERE tenant_id = $1 AND session_id = $2)", token);
                    await memories.RestoreAsync(transaction, turns, token);
                    await MarkAsync(transaction, "UPDATE conversations SET deleted_at = NULL WHERE tenant_id = $1 AND session_id = $2", sessionId, token);
                }

                return (await TurnsAsync(transaction, sessionId, "m.deleted_at IS NULL", token)).Count > 0;
            },
            repeatable: false,
            ct);

    /// <summary>Turns of which nobody said when they were said get the moment at which they are stored, one after the other, so that sorting by time leaves them in order.</summary>
    private List<MemoryDraft> InOrderOfTime(IReadOnlyList<Turn> turns)
    {
        var now = time.GetUtcNow();
        return [.. turns.Select((turn, i) => turn.Timed ? turn.Memory : turn.Memory with { OccurredAt = now.AddMicroseconds(i) })];
    }

    private async Task LockAsync(NpgsqlTransaction transaction, string sessionId, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            INSERT INTO conversations AS c (tenant_id, session_id, id) VALUES ($1, $2, $3)
            ON CONFLICT (tenant_id, session_id) DO UPDATE SET last_ordinal = c.last_ordinal
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(sessionId), Uuid(Guid.CreateVersion7(time.GetUtcNow())) });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Locks the conversation.</summary>
    /// <returns>Whether it was deleted as a whole; null where it never was.</returns>
    private async Task<bool?> FindAsync(NpgsqlTransaction transaction, string sessionId, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "SELECT deleted_at IS NOT NULL FROM conversations WHERE tenant_id = $1 AND session_id = $2 FOR UPDATE", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(sessionId) });
        return await command.ExecuteScalarAsync(ct) as bool?;
    }

    /// <summary>The memories of a conversation's turns, the last turn first.</summary>
    private async Task<List<Guid>> TurnsAsync(NpgsqlTransaction transaction, string sessionId, string which, CancellationToken ct)
    {
        await using var command = SqlText.Command($"""
            SELECT t.memory_id FROM agent_conversations t JOIN memories m ON m.tenant_id = t.tenant_id AND m.id = t.memory_id AND m.session_id = t.session_id
            WHERE t.tenant_id = $1 AND t.session_id = $2 AND {which}
            ORDER BY t.ordinal DESC
            """, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(sessionId) });
        var turns = new List<Guid>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            turns.Add(row.GetGuid(0));
        }

        return turns;
    }

    private async Task MarkAsync(NpgsqlTransaction transaction, string sql, string sessionId, CancellationToken ct)
    {
        await using var command = SqlText.Command(sql, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(sessionId) });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Gives new turns the next places; those of an attempt whose answer was lost have theirs.</summary>
    private async Task PlaceAsync(NpgsqlTransaction transaction, string sessionId, IReadOnlyCollection<Turn> turns, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            WITH placed AS (
                INSERT INTO agent_conversations (tenant_id, session_id, ordinal, agent_id, role, memory_id, occurred_at, client_id)
                SELECT $1, $2, c.last_ordinal + row_number() OVER (ORDER BY t.n), m.agent_id, t.role, m.id, m.occurred_at, t.client_id
                FROM unnest($3, $4, $5) WITH ORDINALITY AS t(memory_id, role, client_id, n)
                JOIN memories m ON m.tenant_id = $1 AND m.id = t.memory_id
                JOIN conversations c ON c.tenant_id = $1 AND c.session_id = $2
                WHERE NOT EXISTS (SELECT FROM agent_conversations a WHERE a.tenant_id = $1 AND a.memory_id = t.memory_id)
                RETURNING ordinal, occurred_at)
            UPDATE conversations c SET last_ordinal = p.ordinal, first_at = least(c.first_at, p.first_at), last_at = greatest(c.last_at, p.last_at)
            FROM (SELECT max(ordinal) AS ordinal, min(occurred_at) AS first_at, max(occurred_at) AS last_at FROM placed) p
            WHERE c.tenant_id = $1 AND c.session_id = $2 AND p.ordinal IS NOT NULL
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Text(sessionId), Uuids([.. turns.Select(t => t.Memory.Id)]), Texts(turns.Select(t => t.Role)),
            new NpgsqlParameter<string?[]> { TypedValue = [.. turns.Select(t => t.ClientId)] },
        });
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<IReadOnlyList<WrittenTurn>> ReadAsync(
        NpgsqlTransaction transaction, string sessionId, IReadOnlyList<Turn> turns, IReadOnlyList<WriteOutcome> outcomes, CancellationToken ct)
    {
        // What somebody changed since it was said is still what was said.
        await using var command = SqlText.Command($"""
            SELECT a.ordinal, {MemoryRowStore.EmbeddingState}, a.role = t.role AND (m.content_hash = t.content_hash OR EXISTS (
                       SELECT FROM memory_history h WHERE h.tenant_id = $1 AND h.memory_id = m.id AND sha256(convert_to(h.memory ->> 'content', 'UTF8')) = t.content_hash))
            FROM unnest($3, $4, $5) WITH ORDINALITY AS t(memory_id, role, content_hash, n)
            LEFT JOIN agent_conversations a ON a.tenant_id = $1 AND a.memory_id = t.memory_id AND a.session_id = $2
            LEFT JOIN memories m ON m.tenant_id = $1 AND m.id = t.memory_id
            ORDER BY t.n
            """, transaction);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Text(sessionId), Uuids([.. outcomes.Select(o => o.Id)]), Texts(turns.Select(t => t.Role)),
            new NpgsqlParameter<byte[][]> { TypedValue = [.. turns.Select(t => t.Memory.ContentHash)] },
        });
        var written = new List<WrittenTurn>(turns.Count);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var (turn, outcome) = (turns[written.Count], outcomes[written.Count]);
            int? ordinal = row.IsDBNull(0) ? null : row.GetInt32(0);
            var refused = outcome.Status == WriteStatus.Created || ordinal is not null && row.GetBoolean(2) ? null
                : ordinal is { } other ? FormattableString.Invariant($"The id '{turn.ClientId}' names turn {other} of this conversation, which says something else.")
                : outcome.Reason ?? $"The id '{turn.ClientId}' names a memory that is no turn of this conversation.";
            written.Add(new WrittenTurn(
                turn, ordinal ?? 0, outcome.Id, outcome.Status == WriteStatus.Created, row.GetString(1), refused is null ? null : new BatchItemError(ErrorCodes.Conflict, "clientId", refused)));
        }

        return written;
    }
}

using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>A message as extraction reads it.</summary>
internal sealed record SaidMessage(Guid Id, string Content, string? ProjectId, string? AgentId, string? SessionId, DateTimeOffset OccurredAt);

/// <summary>An insight of a message.</summary>
internal sealed record InsightOfMessage(SaidMessage Message, FoundInsight Insight)
{
    public byte[] Key => field ??= InsightRules.Key(Message.ProjectId, Insight.Content);
}

/// <summary>What became of insights that were found.</summary>
internal sealed record StoredInsights(int Created, int Known, int OverLimit)
{
    public static readonly StoredInsights None = new(0, 0, 0);
}

/// <summary>Turns of one write that wait to be looked through.</summary>
internal sealed record WaitingTurns(Guid Id, string SessionId, Guid[] MessageIds, int Attempts);

/// <summary>Insights on their way in, each once over all processes: a key is taken first, and whoever takes it stores the memory in the same transaction.</summary>
internal sealed class InsightStore(
    MemoryWriteStore memories, InsightReadingStore readings, NpgsqlDataSource db, TenantScope tenant, StorageTelemetry telemetry, IngestTelemetry ingest, TimeProvider time)
{
    // "mahainsi"
    private const long SessionLock = 0x6d616861696e7369;

    /// <summary>Asks, within the transaction that stores them, for the insights of turns.</summary>
    public async Task EnqueueAsync(NpgsqlTransaction transaction, string sessionId, Guid[] turns, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "INSERT INTO insight_queue (tenant_id, id, session_id, message_ids) VALUES ($1, $2, $3, $4)", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(Guid.CreateVersion7(time.GetUtcNow())), Text(sessionId), Uuids(turns) });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Takes the turns that have waited longest, and in the same transaction stores what <paramref name="extract"/> finds in them: whoever dies over it leaves them waiting.</summary>
    /// <param name="model">Null: no language model is to read them afterwards.</param>
    /// <param name="forModel">Which of them it is to read.</param>
    /// <returns>False: none wait.</returns>
    public async Task<bool> NextAsync(
        Func<SaidMessage, IEnumerable<FoundInsight>> extract, string? model, Func<SaidMessage, bool> forModel, int mostAtOnce, int mostOfSession, CancellationToken ct)
    {
        List<(FoundInsight Insight, WriteStatus Status)> stored = [];
        WaitingTurns? taken = null;
        try
        {
            await memories.InTransactionAsync(
                async (transaction, token) =>
                {
                    (stored, taken) = ([], await TakeAsync(transaction, token));
                    if (taken is null)
                    {
                        return false;
                    }

                    var messages = await MessagesAsync(transaction, taken.MessageIds, token);
                    List<InsightOfMessage> found = [.. messages.SelectMany(m => extract(m).Select(i => new InsightOfMessage(m, i)))];
                    await StoreAsync(transaction, taken.SessionId, found, mostAtOnce, mostOfSession, stored, token);
                    if (model is not null)
                    {
                        await readings.AskAsync(transaction, [.. messages.Where(forModel)], swept: false, model, token);
                    }

                    return true;
                },
                repeatable: false,
                ct);
        }
        catch (Exception e) when (taken is not null && e is not (OperationCanceledException or NpgsqlException { IsTransient: true }))
        {
            await PutOffAsync(taken, e.Message, ct);
            stored = [];
        }

        Count(stored);
        return taken is not null;
    }

    /// <summary>Stores the insights of a session's messages, at most as many as the session may still have.</summary>
    /// <param name="sessionId">Null: of no session, and without a limit.</param>
    public async Task<StoredInsights> StoreAsync(string? sessionId, IReadOnlyList<InsightOfMessage> found, int mostOfSession, CancellationToken ct)
    {
        List<(FoundInsight Insight, WriteStatus Status)> stored = [];
        var result = await memories.InTransactionAsync(
            async (transaction, token) =>
            {
                stored = [];
                return await StoreAsync(transaction, sessionId, found, int.MaxValue, mostOfSession, stored, token);
            },
            repeatable: false,
            ct);
        Count(stored);
        return result;
    }

    /// <summary>Stores what a language model found in the messages of a claim, and that it has read them: both or neither, and nothing of a message that somebody else reads by now.</summary>
    public async Task StoreReadAsync(ReadingClaim claim, string model, IReadOnlyList<InsightOfMessage> found, int mostAtOnce, int mostOfSession, CancellationToken ct)
    {
        List<(FoundInsight Insight, WriteStatus Status)> stored = [];
        await memories.InTransactionAsync(
            async (transaction, token) =>
            {
                stored = [];
                var there = await readings.ReadAsync(transaction, claim, model, token);
                return await StoreAsync(transaction, claim.SessionId, [.. found.Where(i => there.Contains(i.Message.Id))], mostAtOnce, mostOfSession, stored, token);
            },
            repeatable: false,
            ct);
        Count(stored);
    }

    /// <summary>What storing them would come to, as far as it can be known.</summary>
    public async Task<StoredInsights> ForeseeAsync(string? sessionId, IReadOnlyList<InsightOfMessage> found, int mostOfSession, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var (fresh, known) = await FreshAsync(transaction, found, ct);
        var room = sessionId is null ? int.MaxValue : Math.Max(0, mostOfSession - await CountAsync(transaction, sessionId, ct));
        return new StoredInsights(Math.Min(room, fresh.Count), known, Math.Max(0, fresh.Count - room));
    }

    /// <summary>Stores an insight that somebody wrote. One that says the same in other spelling is the one that is there, unless it was deleted.</summary>
    public async Task<WriteOutcome> AddAsync(MemoryDraft draft, CancellationToken ct)
    {
        var outcome = await memories.InTransactionAsync(
            async (transaction, token) =>
            {
                var key = InsightRules.Key(draft.ProjectId, draft.Content);
                await TakeKeyAsync(transaction, key, token);
                if (draft.Supersedes is null && await FindAsync(transaction, key, token) is { } there && !(draft.IdGiven && there == draft.Id))
                {
                    return new WriteOutcome(there, WriteStatus.Duplicate);
                }

                var written = (await memories.WriteAsync(transaction, [draft], WriteMode.Insert, token))[0];
                if (written.Status is WriteStatus.Created or WriteStatus.Duplicate)
                {
                    await ExecuteAsync(
                        transaction, "UPDATE insight_keys SET memory_id = $3 WHERE tenant_id = $1 AND key = $2", token,
                        Text(tenant.Current), new NpgsqlParameter<byte[]> { TypedValue = key }, Uuid(written.Id));
                }
                else
                {
                    // Nothing was stored: the key is free again for whoever comes next.
                    await ExecuteAsync(
                        transaction, "DELETE FROM insight_keys WHERE tenant_id = $1 AND key = $2 AND memory_id IS NULL AND found_at = now()", token,
                        Text(tenant.Current), new NpgsqlParameter<byte[]> { TypedValue = key });
                }

                return written;
            },
            repeatable: true,
            ct);
        telemetry.Stored([(draft.Type, outcome.Status)]);
        return outcome;
    }

    private async Task<StoredInsights> StoreAsync(
        NpgsqlTransaction transaction, string? sessionId, IReadOnlyList<InsightOfMessage> found, int mostAtOnce, int mostOfSession, List<(FoundInsight Insight, WriteStatus Status)> stored, CancellationToken ct)
    {
        if (found.Count == 0)
        {
            return StoredInsights.None;
        }

        if (sessionId is not null)
        {
            // Two who look through one session would each fill what room there is.
            await ExecuteAsync(transaction, "SELECT pg_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, $3))", ct, Text(tenant.Current), Text(sessionId), new NpgsqlParameter<long> { TypedValue = SessionLock });
        }

        var (fresh, known) = await FreshAsync(transaction, found, ct);
        var room = Math.Min(mostAtOnce, sessionId is null ? int.MaxValue : Math.Max(0, mostOfSession - await CountAsync(transaction, sessionId, ct)));
        List<InsightOfMessage> wanted = [.. fresh.Take(room)];
        var mine = await TakeKeysAsync(transaction, sessionId, wanted, ct);
        List<InsightOfMessage> won = [.. wanted.Where(i => mine.Contains(Convert.ToHexString(i.Key)))];
        if (won.Count > 0)
        {
            var drafts = won.ConvertAll(Draft);
            var outcomes = await memories.WriteAsync(transaction, drafts, WriteMode.Insert, ct);
            await ExecuteAsync(transaction, """
                UPDATE insight_keys k SET memory_id = n.memory_id, message_id = CASE WHEN n.made THEN k.message_id END
                FROM unnest($2, $3, $4) AS n(key, memory_id, made) WHERE k.tenant_id = $1 AND k.key = n.key
                """, ct,
                Text(tenant.Current), new NpgsqlParameter<byte[][]> { TypedValue = [.. won.Select(i => i.Key)] }, Uuids([.. outcomes.Select(o => o.Id)]),
                new NpgsqlParameter<bool[]> { TypedValue = [.. outcomes.Select(o => o.Status == WriteStatus.Created)] });
            stored.AddRange(won.Zip(outcomes, (i, o) => (i.Insight, o.Status)));
            known += outcomes.Count(o => o.Status != WriteStatus.Created);
        }

        var created = stored.Count(s => s.Status == WriteStatus.Created);
        return new StoredInsights(created, known + wanted.Count - won.Count, fresh.Count - wanted.Count);
    }

    private MemoryDraft Draft(InsightOfMessage found)
    {
        var (message, insight) = (found.Message, found.Insight);
        var draft = new MemoryDraft
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()),
            Type = MemoryTypes.Insight,
            Source = MemoryInput.DefaultSource,
            Content = insight.Content,
            ProjectId = message.ProjectId,
            AgentId = message.AgentId,
            SessionId = message.SessionId,
            OccurredAt = message.OccurredAt,
            Metadata = InsightFields.Metadata(insight).ToJsonString(WireJson.Strict),
            Provenance = InsightFields.Provenance(message, insight).ToJsonString(WireJson.Strict),
        };
        return draft with { DedupeKey = DedupeKeys.ForMemory(draft.Type, draft.ProjectId, draft.ContentHash) };
    }

    private void Count(List<(FoundInsight Insight, WriteStatus Status)> stored)
    {
        telemetry.Stored(stored.Select(s => (MemoryTypes.Insight, s.Status)));
        ingest.Extracted(stored.Where(s => s.Status == WriteStatus.Created).Select(s => s.Insight));
    }

    private async Task<WaitingTurns?> TakeAsync(NpgsqlTransaction transaction, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            DELETE FROM insight_queue WHERE (tenant_id, id) = (
                SELECT tenant_id, id FROM insight_queue WHERE tenant_id = $1 AND due_at <= now() ORDER BY due_at, enqueued_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id, session_id, message_ids, attempts
            """, transaction.Connection, transaction);
        command.Parameters.Add(Text(tenant.Current));
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new WaitingTurns(row.GetGuid(0), row.GetString(1), row.GetFieldValue<Guid[]>(2), row.GetInt32(3)) : null;
    }

    /// <summary>What could not be looked through waits longer each time.</summary>
    private async Task PutOffAsync(WaitingTurns turns, string error, CancellationToken ct)
    {
        await using var command = db.CreateCommand("""
            UPDATE insight_queue SET attempts = attempts + 1, due_at = now() + interval '1 second' * power(2, least(attempts, 12)), last_error = $3 WHERE tenant_id = $1 AND id = $2
            """);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(turns.Id), Text(TextSanitizer.Clean(error)) });
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<IReadOnlyList<SaidMessage>> MessagesAsync(NpgsqlTransaction transaction, Guid[] ids, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT {InsightReadStore.Said} FROM unnest($2) WITH ORDINALITY AS t(id, n) JOIN memories m ON m.tenant_id = $1 AND m.id = t.id
            WHERE m.deleted_at IS NULL ORDER BY t.n
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuids(ids) });
        return await InsightReadStore.ReadAsync(command, ct);
    }

    /// <summary>Those that nobody has met yet, each once, in order; and how many of them somebody has.</summary>
    private async Task<(List<InsightOfMessage> Fresh, int Known)> FreshAsync(NpgsqlTransaction transaction, IReadOnlyList<InsightOfMessage> found, CancellationToken ct)
    {
        List<InsightOfMessage> once = [.. found.DistinctBy(i => Convert.ToHexString(i.Key), StringComparer.Ordinal)];
        await using var command = new NpgsqlCommand("SELECT key FROM insight_keys WHERE tenant_id = $1 AND key = ANY($2)", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), new NpgsqlParameter<byte[][]> { TypedValue = [.. once.Select(i => i.Key)] } });
        var known = await KeysAsync(command, ct);
        List<InsightOfMessage> fresh = [.. once.Where(i => !known.Contains(Convert.ToHexString(i.Key)))];
        return (fresh, found.Count - fresh.Count);
    }

    private async Task<int> CountAsync(NpgsqlTransaction transaction, string sessionId, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "SELECT count(*)::int FROM insight_keys WHERE tenant_id = $1 AND session_id = $2 AND message_id IS NOT NULL", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(sessionId) });
        return (int)(await command.ExecuteScalarAsync(ct))!;
    }

    /// <returns>The keys that were free, in hex.</returns>
    private async Task<HashSet<string>> TakeKeysAsync(NpgsqlTransaction transaction, string? sessionId, List<InsightOfMessage> wanted, CancellationToken ct)
    {
        // In one order for everybody: who waits for a key holds none that comes after it.
        var sorted = wanted.OrderBy(i => Convert.ToHexString(i.Key), StringComparer.Ordinal).ToList();
        await using var command = new NpgsqlCommand("""
            INSERT INTO insight_keys (tenant_id, key, session_id, message_id)
            SELECT $1, k.key, $2, k.message_id FROM unnest($3, $4) WITH ORDINALITY AS k(key, message_id, n) ORDER BY k.n
            ON CONFLICT DO NOTHING RETURNING key
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[]
        {
            Text(tenant.Current), Text(sessionId), new NpgsqlParameter<byte[][]> { TypedValue = [.. sorted.Select(i => i.Key)] }, Uuids([.. sorted.Select(i => i.Message.Id)]),
        });
        return await KeysAsync(command, ct);
    }

    private Task TakeKeyAsync(NpgsqlTransaction transaction, byte[] key, CancellationToken ct) =>
        ExecuteAsync(transaction, "INSERT INTO insight_keys (tenant_id, key) VALUES ($1, $2) ON CONFLICT DO NOTHING", ct, Text(tenant.Current), new NpgsqlParameter<byte[]> { TypedValue = key });

    private async Task<Guid?> FindAsync(NpgsqlTransaction transaction, byte[] key, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("""
            SELECT m.id FROM insight_keys k JOIN memories m ON m.tenant_id = k.tenant_id AND m.id = k.memory_id AND m.deleted_at IS NULL
            WHERE k.tenant_id = $1 AND k.key = $2 FOR UPDATE OF k
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), new NpgsqlParameter<byte[]> { TypedValue = key } });
        return await command.ExecuteScalarAsync(ct) as Guid?;
    }

    private static async Task<HashSet<string>> KeysAsync(NpgsqlCommand command, CancellationToken ct)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            keys.Add(Convert.ToHexString(row.GetFieldValue<byte[]>(0)));
        }

        return keys;
    }

    private static async Task ExecuteAsync(NpgsqlTransaction transaction, string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = SqlText.Command(sql, transaction);
        command.Parameters.AddRange(parameters);
        await command.ExecuteNonQueryAsync(ct);
    }
}

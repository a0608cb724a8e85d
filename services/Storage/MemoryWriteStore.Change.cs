using System.Text.Json;
using Mahavishnu.Contracts;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>What became of a change to one memory.</summary>
public enum ChangeStatus
{
    Changed,

    /// <summary>The new state is the old one; no version was made.</summary>
    Unchanged,
    NotFound,

    /// <summary>Another version than the one expected is there.</summary>
    VersionMismatch,

    /// <summary>A memory with the same key exists (<see cref="ChangeResult.Other"/>).</summary>
    Duplicate,
}

/// <param name="Memory">The memory as it is now, where there is one.</param>
/// <param name="Other">The memory in the way.</param>
public sealed record ChangeResult(ChangeStatus Status, Memory? Memory = null, Guid? Other = null);

/// <summary>Memories that are already there: duplicates, changes with history, deletion and its reverse.</summary>
public sealed partial class MemoryWriteStore
{
    // Entries of provenance.duplicates: enough to see a pattern, not enough to grow a row without bound.
    private const int MostDuplicatesKept = 50;

    /// <summary>Changes a memory; what it was goes into its history, and it is embedded again.</summary>
    /// <param name="expectedVersion">Null: whichever there is.</param>
    /// <param name="change">
    /// From the memory as it is to the draft it shall be (same id). A key that says what the content is follows it; any other (a repository's chunk, an
    /// imported row, a turn) still says where the memory came from, and stays. The draft's own key does not count.
    /// </param>
    public Task<ChangeResult> UpdateAsync(Guid id, int? expectedVersion, Func<Memory, MemoryDraft> change, CancellationToken ct) =>
        InTransactionAsync((transaction, token) => UpdateAsync(transaction, id, expectedVersion, change, token), repeatable: false, ct);

    /// <summary>The same within the caller's transaction, so that rows of other tables stand or fall with it; see <see cref="InTransactionAsync"/>.</summary>
    public async Task<ChangeResult> UpdateAsync(NpgsqlTransaction transaction, Guid id, int? expectedVersion, Func<Memory, MemoryDraft> change, CancellationToken ct)
    {
        var before = await LockAsync(transaction, id, ct);
        if (before is null || before.DeletedAt is not null)
        {
            return new ChangeResult(ChangeStatus.NotFound);
        }

        return expectedVersion is { } expected && expected != before.Version
            ? new ChangeResult(ChangeStatus.VersionMismatch, before)
            : await ReplaceAsync(transaction, before, change(before), ct);
    }

    /// <summary>Hides a memory from lists and searches and takes its vectors; its row and history stay, its dedupe key is free again.</summary>
    public Task<ChangeResult> DeleteAsync(Guid id, int? expectedVersion, CancellationToken ct) =>
        InTransactionAsync(
            async (transaction, token) =>
            {
                var before = await LockAsync(transaction, id, token);
                if (before is null || before.DeletedAt is not null)
                {
                    return new ChangeResult(ChangeStatus.NotFound);
                }

                if (expectedVersion is { } expected && expected != before.Version)
                {
                    return new ChangeResult(ChangeStatus.VersionMismatch, before);
                }

                await HideAsync(transaction, [id], token);
                return new ChangeResult(ChangeStatus.Changed, await LockAsync(transaction, id, token));
            },
            repeatable: false,
            ct);

    /// <summary>Brings a deleted memory back; it is embedded again.</summary>
    public Task<ChangeResult> RestoreAsync(Guid id, CancellationToken ct) =>
        InTransactionAsync(
            async (transaction, token) =>
            {
                var before = await LockAsync(transaction, id, token);
                if (before is null)
                {
                    return new ChangeResult(ChangeStatus.NotFound);
                }

                if (before.DeletedAt is null)
                {
                    return new ChangeResult(ChangeStatus.Unchanged, before);
                }

                var key = before.Provenance is { ValueKind: JsonValueKind.Object } p && p.TryGetProperty("dedupeKey", out var kept) ? kept.GetString() : null;
                if (key is not null && await FindByKeyAsync(transaction, key, token) is { } other)
                {
                    return new ChangeResult(ChangeStatus.Duplicate, before, other);
                }

                await ReviveAsync(transaction, [id], token);
                return new ChangeResult(ChangeStatus.Changed, await LockAsync(transaction, id, token));
            },
            repeatable: false,
            ct);

    /// <summary>Removes memories for good, with their history, vectors and queue entries: for chunks of files that are gone, and for undoing an import.</summary>
    /// <returns>How many there were.</returns>
    public async Task<int> RemoveAsync(NpgsqlTransaction transaction, IReadOnlyCollection<Guid> ids, CancellationToken ct)
    {
        if (ids.Count == 0)
        {
            return 0;
        }

        var all = ids.ToArray();
        await CloseUpAsync(transaction, all, ct);
        // The memories first: whoever changes one at this moment queues it for a vector, and is waited for here.
        var removed = await ExecuteAsync(transaction, "DELETE FROM memories WHERE tenant_id = $1 AND id = ANY($2)", ct, Text(tenant.Current), Uuids(all));
        await DropVectorsAsync(transaction, all, ct);
        await ExecuteAsync(transaction, "DELETE FROM memory_history WHERE tenant_id = $1 AND memory_id = ANY($2)", ct, Text(tenant.Current), Uuids(all));
        return removed;
    }

    private async Task<ChangeResult> ReplaceAsync(NpgsqlTransaction transaction, Memory before, MemoryDraft draft, CancellationToken ct)
    {
        if (SameAs(before, draft))
        {
            return new ChangeResult(ChangeStatus.Unchanged, before);
        }

        var key = await KeyAsync(transaction, before.Id, ct);
        if (key is not null && key == DedupeKeys.ForMemory(before.Type, before.ProjectId, MemoryDraft.HashOf(before.Content)))
        {
            key = DedupeKeys.ForMemory(draft.Type, draft.ProjectId, draft.ContentHash);
            if (await FindByKeyAsync(transaction, key, ct) is { } other && other != before.Id)
            {
                return new ChangeResult(ChangeStatus.Duplicate, before, other);
            }
        }

        await RecordAsync(transaction, [before.Id], MemoryChanges.Update, ct);
        await TakeKeyAsync(transaction, """
            UPDATE memories SET
                title = $3, content = $4, content_hash = $5, dedupe_key = $6, tags = $7, agent_id = $8, workflow_id = $9, repo_id = $10, project_id = $11,
                session_id = $12, metadata = $13, occurred_at = $14, expires_at = $15, memory_type = $16, source_system = $17,
                updated_at = now(), version = version + 1
            WHERE tenant_id = $1 AND id = $2
            """, ct,
            Text(tenant.Current), Uuid(before.Id), Text(draft.Title), Text(draft.Content),
            new NpgsqlParameter<byte[]> { TypedValue = draft.ContentHash }, Text(key), new NpgsqlParameter<string[]> { TypedValue = draft.Tags.ToArray() },
            Text(draft.AgentId), Text(draft.WorkflowId), Text(draft.RepoId), Text(draft.ProjectId), Text(draft.SessionId), Jsonb(draft.Metadata),
            Time(draft.OccurredAt), Time(draft.ExpiresAt), Text(draft.Type), Text(draft.Source));
        // Also where only a filter column changed: the vector's row repeats those, and a worker that holds
        // a claim on the old state must not write it back.
        await EnqueueAsync(transaction, [before.Id], ct);
        return new ChangeResult(ChangeStatus.Changed, await LockAsync(transaction, before.Id, ct));
    }

    private static bool SameAs(Memory m, MemoryDraft d) =>
        string.Equals(m.Content, d.Content, StringComparison.Ordinal) && string.Equals(m.Title, d.Title, StringComparison.Ordinal)
        && string.Equals(m.Type, d.Type, StringComparison.Ordinal) && string.Equals(m.Source, d.Source, StringComparison.Ordinal)
        && m.Tags.SequenceEqual(d.Tags, StringComparer.Ordinal)
        && string.Equals(m.ProjectId, d.ProjectId, StringComparison.Ordinal) && string.Equals(m.AgentId, d.AgentId, StringComparison.Ordinal)
        && string.Equals(m.WorkflowId, d.WorkflowId, StringComparison.Ordinal) && string.Equals(m.RepoId, d.RepoId, StringComparison.Ordinal)
        && string.Equals(m.SessionId, d.SessionId, StringComparison.Ordinal)
        && m.OccurredAt == Microseconds(d.OccurredAt) && m.ExpiresAt == Microseconds(d.ExpiresAt)
        && JsonElement.DeepEquals(m.Metadata, JsonElement.Parse(d.Metadata));

    // PostgreSQL keeps microseconds; .NET has ten times finer ticks.
    private static DateTimeOffset? Microseconds(DateTimeOffset? time) => time is { } t ? t.AddTicks(-(t.Ticks % TimeSpan.TicksPerMicrosecond)) : null;

    private async Task<Memory?> LockAsync(NpgsqlTransaction transaction, Guid id, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"SELECT {MemoryRowStore.Columns} FROM memories m WHERE m.tenant_id = $1 AND m.id = $2 FOR UPDATE OF m", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? MemoryRowStore.Read(row) : null;
    }

    private async Task<string?> KeyAsync(NpgsqlTransaction transaction, Guid id, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT dedupe_key FROM memories WHERE tenant_id = $1 AND id = $2", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        return await command.ExecuteScalarAsync(ct) as string;
    }

    private async Task<Guid?> FindByKeyAsync(NpgsqlTransaction transaction, string key, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT id FROM memories WHERE tenant_id = $1 AND dedupe_key = $2", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(key) });
        return await command.ExecuteScalarAsync(ct) as Guid?;
    }

    private Task<int> RecordAsync(NpgsqlTransaction transaction, Guid[] ids, string change, CancellationToken ct) =>
        ExecuteAsync(transaction, """
            INSERT INTO memory_history (tenant_id, memory_id, version, change, memory)
            SELECT tenant_id, id, version, $3, to_jsonb(m) - 'words' - 'content_hash' FROM memories m WHERE tenant_id = $1 AND id = ANY($2)
            """, ct, Text(tenant.Current), Uuids(ids), Text(change));

    /// <summary>(Re)queues memories for every space, as a retired one may become the active one again at any time; a running claim on them is void.</summary>
    private Task<int> EnqueueAsync(NpgsqlTransaction transaction, Guid[] ids, CancellationToken ct) =>
        ExecuteAsync(transaction, """
            INSERT INTO embedding_queue (tenant_id, memory_id, space_id, trace)
            SELECT $1, m, s.id, $3 FROM unnest($2) AS m CROSS JOIN embedding_spaces s WHERE s.state <> 'dropping'
            ON CONFLICT (tenant_id, memory_id, space_id) DO UPDATE
            SET enqueued_at = now(), attempts = 0, claim = NULL, claimed_until = '-infinity', failed_at = NULL, reason = NULL, last_error = NULL, trace = excluded.trace
            """, ct, Text(tenant.Current), Uuids(ids), Text(TraceText.Current));

    private async Task DropVectorsAsync(NpgsqlTransaction transaction, Guid[] ids, CancellationToken ct)
    {
        // The queue first: a worker that is about to save these vectors holds that row, and is waited for.
        await ExecuteAsync(transaction, "DELETE FROM embedding_queue WHERE tenant_id = $1 AND memory_id = ANY($2)", ct, Text(tenant.Current), Uuids(ids));
        foreach (var space in await EmbeddingSpaceStore.ListAsync(transaction, ct))
        {
            await ExecuteAsync(transaction, $"DELETE FROM {space.Table} WHERE tenant_id = $1 AND memory_id = ANY($2)", ct, Text(tenant.Current), Uuids(ids));
        }
    }

    /// <summary>
    /// Runs work on memories and on the rows of other tables that belong to them in one transaction, again if a passing trouble undid it, and then wakes the
    /// embedding worker.
    /// </summary>
    /// <param name="repeatable">False: done twice, it would meet its own doing. It is not run again once its commit may have counted.</param>
    public async Task<T> InTransactionAsync<T>(Func<NpgsqlTransaction, CancellationToken, Task<T>> work, bool repeatable, CancellationToken ct)
    {
        var committing = false;
        var result = await TransientRetry.RunAsync(
            async token =>
            {
                await using var connection = await db.OpenConnectionAsync(token);
                await using var transaction = await connection.BeginTransactionAsync(token);
                var done = await work(transaction, token);
                committing = true;
                await transaction.CommitAsync(token);
                return done;
            },
            ct,
            again: () => repeatable || !committing);
        signal.Raise();
        return result;
    }

    /// <summary>A statement that gives a memory a key which was free a moment ago. Somebody may have taken it since; looking again shows whom.</summary>
    private static async Task TakeKeyAsync(NpgsqlTransaction transaction, string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        try
        {
            await ExecuteAsync(transaction, sql, ct, parameters);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            throw new NpgsqlException("Another memory took the key in this moment.", new IOException("Write again.", e));
        }
    }
}

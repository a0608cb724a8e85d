using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>Memories that go for good.</summary>
public sealed partial class MemoryWriteStore
{
    // A text of so few characters is embedded in one piece by any model, so that its place in the cache is known by its hash.
    private const int SurelyWhole = 250;

    /// <summary>
    /// Removes a memory, deleted or not, from everywhere at once: its row, history, vectors, places in queues and cache, its turn or execution, and whatever points to
    /// it. Nothing brings it back. What it superseded is superseded by what superseded it, or valid again.
    /// </summary>
    /// <returns>False: there is none.</returns>
    public Task<bool> EraseAsync(Guid id, CancellationToken ct) =>
        InTransactionAsync(
            async (transaction, token) =>
            {
                // In the order in which those who add turns, supersede and change take their locks.
                await ExecuteAsync(transaction, """
                    SELECT FROM conversations c JOIN agent_conversations t ON t.tenant_id = c.tenant_id AND t.session_id = c.session_id
                    WHERE t.tenant_id = $1 AND t.memory_id = $2 FOR UPDATE OF c
                    """, token, Text(tenant.Current), Uuid(id));
                await LockSupersedingAsync(transaction, token);
                if (await LockAsync(transaction, id, token) is null)
                {
                    return false;
                }

                // What was taken from it says what it said.
                Guid[] all = [id, .. await TakenFromAsync(transaction, id, token)];
                foreach (var each in all)
                {
                    await EraseTracesAsync(transaction, each, token);
                }

                await RemoveAsync(transaction, all, token);
                return true;
            },
            repeatable: false,
            ct);

    private async Task EraseTracesAsync(NpgsqlTransaction transaction, Guid id, CancellationToken ct)
    {
        var texts = await TextsAsync(transaction, id, ct);
        await ForgetVectorsAsync(transaction, id, texts, ct);
        // Questions that were asked in the words of the memory itself.
        foreach (var sql in (string[])["DELETE FROM sampled_queries WHERE tenant_id = $1 AND query = ANY($2)", "DELETE FROM asked_questions WHERE tenant_id = $1 AND question = ANY($2)"])
        {
            await ExecuteAsync(transaction, sql, ct, Text(tenant.Current), Texts(texts.Select(t => t.Content.Trim()).Distinct(StringComparer.Ordinal)));
        }

        foreach (var sql in (string[])
        [
            "DELETE FROM pinned_queries WHERE tenant_id = $1 AND memory_id = $2",
            "DELETE FROM insight_shares WHERE tenant_id = $1 AND memory_id = $2",
            "DELETE FROM insight_usage WHERE tenant_id = $1 AND memory_id = $2",
            // An insight that was erased shall not come back from the message that it stood in; from a message that was erased it cannot.
            "UPDATE insight_keys SET memory_id = NULL, message_id = NULL, session_id = NULL WHERE tenant_id = $1 AND memory_id = $2",
            "UPDATE insight_queue SET message_ids = array_remove(message_ids, $2) WHERE tenant_id = $1 AND $2 = ANY(message_ids)",
            "DELETE FROM insight_readings WHERE tenant_id = $1 AND message_id = $2",
            // The edge says what its sentence said.
            "DELETE FROM kg_relationships WHERE tenant_id = $1 AND memory_id = $2",
            "DELETE FROM causal_links WHERE tenant_id = $1 AND $2::text IN (cause_id, effect_id)",
            "DELETE FROM import_rows WHERE tenant_id = $1 AND memory_id = $2",
            // Goal, input and result are what its memory was made of.
            "DELETE FROM workflow_executions WHERE tenant_id = $1 AND memory_id = $2",
            "UPDATE rag_files SET memory_ids = array_remove(memory_ids, $2), chunks = chunks - 1 WHERE tenant_id = $1 AND repo_id = (SELECT repo_id FROM memories WHERE tenant_id = $1 AND id = $2) AND $2 = ANY(memory_ids)",
            """
            WITH gone AS (DELETE FROM agent_conversations WHERE tenant_id = $1 AND memory_id = $2 RETURNING session_id)
            UPDATE conversations c SET first_at = r.first_at, last_at = r.last_at
            FROM (SELECT g.session_id, min(t.occurred_at) AS first_at, max(t.occurred_at) AS last_at
                  FROM gone g LEFT JOIN agent_conversations t ON t.tenant_id = $1 AND t.session_id = g.session_id AND t.memory_id <> $2 GROUP BY g.session_id) r
            WHERE c.tenant_id = $1 AND c.session_id = r.session_id
            """,
        ])
        {
            await ExecuteAsync(transaction, sql, ct, Text(tenant.Current), Uuid(id));
        }
    }

    /// <summary>Insights that were made from a message; whoever says them again has said them anew.</summary>
    private async Task<IReadOnlyList<Guid>> TakenFromAsync(NpgsqlTransaction transaction, Guid message, CancellationToken ct)
    {
        var taken = new List<Guid>();
        await using var command = new NpgsqlCommand("DELETE FROM insight_keys WHERE tenant_id = $1 AND message_id = $2 RETURNING memory_id", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(message) });
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            if (!row.IsDBNull(0))
            {
                taken.Add(row.GetGuid(0));
            }
        }

        return taken;
    }

    /// <summary>What the memory says and ever said.</summary>
    private async Task<IReadOnlyList<(string? Title, string Content)>> TextsAsync(NpgsqlTransaction transaction, Guid id, CancellationToken ct)
    {
        var texts = new List<(string?, string)>();
        await using var command = new NpgsqlCommand("""
            SELECT title, content FROM memories WHERE tenant_id = $1 AND id = $2
            UNION
            SELECT memory ->> 'title', memory ->> 'content' FROM memory_history WHERE tenant_id = $1 AND memory_id = $2
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Uuid(id) });
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            texts.Add((row.IsDBNull(0) ? null : row.GetString(0), row.GetString(1)));
        }

        return texts;
    }

    /// <summary>
    /// Takes the vectors of a memory's texts out of the cache, unless another memory says the same. The cache knows texts by the hash of what was embedded at once: of a
    /// short text that is the whole; the parts of a long one are known by their vectors, and where these are gone the cache is emptied. It only has to be filled again.
    /// </summary>
    private async Task ForgetVectorsAsync(NpgsqlTransaction transaction, Guid id, IReadOnlyList<(string? Title, string Content)> texts, CancellationToken ct)
    {
        var hashes = new List<byte[]>();
        foreach (var (title, content) in texts)
        {
            if (!await IsSaidElsewhereAsync(transaction, id, title, content, ct))
            {
                hashes.Add(EmbeddingCacheStore.HashOf(EmbeddingCacheStore.TextOf(title, content)));
            }
        }

        await ExecuteAsync(transaction, "DELETE FROM embedding_cache WHERE text_hash = ANY($1)", ct, new NpgsqlParameter<byte[][]> { TypedValue = [.. hashes] });
        if (texts.All(t => EmbeddingCacheStore.TextOf(t.Title, t.Content).Length <= SurelyWhole))
        {
            return;
        }

        var onlyOne = texts.Count == 1;
        foreach (var space in await EmbeddingSpaceStore.ListAsync(transaction, ct))
        {
            await ExecuteAsync(transaction, $"""
                DELETE FROM embedding_cache WHERE space_id = $3 AND (
                    embedding IN (SELECT e.embedding FROM {space.Table} e WHERE e.tenant_id = $1 AND e.memory_id = $2)
                    OR NOT $4 OR NOT EXISTS (SELECT FROM {space.Table} e WHERE e.tenant_id = $1 AND e.memory_id = $2)
                    OR EXISTS (SELECT FROM embedding_queue q WHERE q.tenant_id = $1 AND q.memory_id = $2 AND q.space_id = $3))
                """, ct,
                Text(tenant.Current), Uuid(id), new NpgsqlParameter<short> { TypedValue = space.Id }, new NpgsqlParameter<bool> { TypedValue = onlyOne });
        }
    }

    private async Task<bool> IsSaidElsewhereAsync(NpgsqlTransaction transaction, Guid id, string? title, string content, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "SELECT EXISTS (SELECT FROM memories WHERE tenant_id = $1 AND content_hash = $2 AND id <> $3 AND title IS NOT DISTINCT FROM $4)", transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), new NpgsqlParameter<byte[]> { TypedValue = MemoryDraft.HashOf(content) }, Uuid(id), Text(title) });
        return await command.ExecuteScalarAsync(ct) is true;
    }
}

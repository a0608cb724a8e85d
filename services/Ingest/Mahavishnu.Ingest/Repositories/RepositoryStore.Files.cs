using Mahavishnu.Storage;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Ingest;

/// <summary>A file's new content on its way in.</summary>
internal sealed record FileChunks(string Path, byte[] BlobHash, long Bytes, IReadOnlyList<MemoryDraft> Drafts);

/// <summary>What a transaction did to chunks.</summary>
internal sealed record ChunkCounts(int Created, int Kept, int Removed);

/// <summary>Files with their chunks: each change of a file is in one transaction with its row, so that a run killed at any moment has left whole files only.</summary>
internal sealed partial class RepositoryStore
{
    // Files removed in one transaction.
    private const int RemovedAtOnce = 200;

    /// <summary>Replaces what is stored of these files. Chunks whose text and place in the file's order stayed keep their memories, and so their vectors.</summary>
    public async Task<ChunkCounts> SaveAsync(string repoId, byte[] settingsHash, IReadOnlyList<FileChunks> files, CancellationToken ct)
    {
        var stored = new List<(string, WriteStatus)>();
        var counts = await ChangeAsync(
            async (transaction, token) =>
            {
                var before = await LockAsync(transaction, repoId, [.. files.Select(f => f.Path)], token);
                var drafts = files.SelectMany(f => f.Drafts).ToList();
                var outcomes = await memories.WriteAsync(transaction, drafts, WriteMode.Insert, token);
                var kept = new List<(Guid, MemoryDraft)>();
                for (var i = 0; i < outcomes.Count; i++)
                {
                    if (outcomes[i].Status == WriteStatus.Conflict)
                    {
                        throw new InvalidOperationException($"A chunk of {repoId} could not be stored: {outcomes[i].Reason}");
                    }

                    if (outcomes[i].Status == WriteStatus.Duplicate)
                    {
                        kept.Add((outcomes[i].Id, drafts[i]));
                    }
                }

                stored = [.. drafts.Zip(outcomes, (draft, outcome) => (draft.Type, outcome.Status))];
                var now = outcomes.Select(o => o.Id).ToHashSet();
                var removed = await memories.RemoveAsync(transaction, [.. before.Where(id => !now.Contains(id))], token);
                await memories.RelabelAsync(transaction, kept, token);
                await RecordAsync(transaction, repoId, settingsHash, files, outcomes, token);
                return new ChunkCounts(outcomes.Count - kept.Count, kept.Count, removed);
            },
            ct);
        telemetry.Stored(stored);
        return counts;
    }

    /// <summary>Removes files that are gone, with their chunks.</summary>
    /// <returns>How many chunks there were.</returns>
    public async Task<int> DropAsync(string repoId, IReadOnlyCollection<string> paths, CancellationToken ct)
    {
        var removed = 0;
        foreach (var some in paths.Order(StringComparer.Ordinal).Chunk(RemovedAtOnce))
        {
            var counts = await ChangeAsync(
                async (transaction, token) =>
                {
                    await using var command = new NpgsqlCommand(
                        "DELETE FROM rag_files WHERE tenant_id = $1 AND repo_id = $2 AND path = ANY($3) RETURNING memory_ids", transaction.Connection, transaction);
                    command.Parameters.AddRange(new[] { Text(tenant.Current), Text(repoId), new NpgsqlParameter<string[]> { TypedValue = some } });
                    return new ChunkCounts(0, 0, await memories.RemoveAsync(transaction, await ReadIdsAsync(command, 0, token), token));
                },
                ct);
            removed += counts.Removed;
        }

        return removed;
    }

    /// <summary>Removes the repository: its files with their chunks, at last its runs, so that one that was interrupted can be repeated.</summary>
    public async Task RemoveAsync(string repoId, CancellationToken ct)
    {
        await DropAsync(repoId, (await FilesAsync(repoId, ct)).Keys, ct);
        await using var command = db.CreateCommand("DELETE FROM rag_ingestions WHERE tenant_id = $1 AND repo_id = $2");
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(repoId) });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// Takes hold of the files' rows, making those that are missing, and returns the chunks they have now. Two runs over one file, wherever they come
    /// from, thereby follow each other, and the second sees what the first left.
    /// </summary>
    private async Task<List<Guid>> LockAsync(NpgsqlTransaction transaction, string repoId, string[] paths, CancellationToken ct)
    {
        // In one order, so that two runs wait for each other instead of deadlocking.
        await using var command = new NpgsqlCommand("""
            INSERT INTO rag_files (tenant_id, repo_id, path, blob_hash, settings_hash, bytes, chunks, memory_ids)
            SELECT $1, $2, path, '', '', 0, 0, '{}' FROM unnest($3) AS p(path) ORDER BY path
            ON CONFLICT (tenant_id, repo_id, path) DO UPDATE SET ingested_at = now()
            RETURNING memory_ids
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new[] { Text(tenant.Current), Text(repoId), new NpgsqlParameter<string[]> { TypedValue = paths } });
        return await ReadIdsAsync(command, 0, ct);
    }

    private async Task RecordAsync(
        NpgsqlTransaction transaction, string repoId, byte[] settingsHash, IReadOnlyList<FileChunks> files, IReadOnlyList<WriteOutcome> outcomes, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(transaction.Connection, transaction);
        var at = 0;
        foreach (var file in files)
        {
            var ids = outcomes.Skip(at).Take(file.Drafts.Count).Select(o => o.Id).ToArray();
            at += file.Drafts.Count;
            batch.BatchCommands.Add(new NpgsqlBatchCommand("""
                UPDATE rag_files SET blob_hash = $4, settings_hash = $5, bytes = $6, chunks = $7, memory_ids = $8, ingested_at = now()
                WHERE tenant_id = $1 AND repo_id = $2 AND path = $3
                """)
            {
                Parameters =
                {
                    Text(tenant.Current),
                    Text(repoId),
                    Text(file.Path),
                    new NpgsqlParameter<byte[]> { TypedValue = file.BlobHash },
                    new NpgsqlParameter<byte[]> { TypedValue = settingsHash },
                    new NpgsqlParameter<long> { TypedValue = file.Bytes },
                    new NpgsqlParameter<int> { TypedValue = ids.Length },
                    new NpgsqlParameter<Guid[]> { TypedValue = ids },
                },
            });
        }

        await batch.ExecuteNonQueryAsync(ct);
    }

    private async Task<ChunkCounts> ChangeAsync(Func<NpgsqlTransaction, CancellationToken, Task<ChunkCounts>> work, CancellationToken ct)
    {
        // Safe to repeat: the ids and keys of what is written do not change, and what is removed is looked up again.
        var counts = await TransientRetry.RunAsync(
            async token =>
            {
                await using var connection = await db.OpenConnectionAsync(token);
                await using var transaction = await connection.BeginTransactionAsync(token);
                var done = await work(transaction, token);
                await transaction.CommitAsync(token);
                return done;
            },
            ct);
        signal.Raise();
        return counts;
    }

    private static async Task<List<Guid>> ReadIdsAsync(NpgsqlCommand command, int column, CancellationToken ct)
    {
        var ids = new List<Guid>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            ids.AddRange(row.GetFieldValue<Guid[]>(column));
        }

        return ids;
    }
}

using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage;

/// <summary>Drafts that met a memory which is already there.</summary>
public sealed partial class MemoryWriteStore
{
    private async Task MeetAsync(NpgsqlTransaction transaction, IReadOnlyList<MemoryDraft> drafts, List<int> known, WriteMode mode, WriteOutcome?[] outcomes, CancellationToken ct)
    {
        var found = await FindAsync(transaction, drafts, known, ct);
        var differing = new List<(Guid Id, string Entry)>();
        foreach (var index in known)
        {
            var draft = drafts[index];
            // Neither id nor key is there any more: the other transaction was undone, or the memory was deleted in
            // between. The caller's next attempt writes it; saying "stored" now would be a lie.
            var (byId, byKey) = found.GetValueOrDefault(index);
            var there = byId ?? byKey ?? throw new NpgsqlException("The memory in the way vanished while it was being looked at.", new IOException("Write again."));

            if (byId is not null && byId.DeletedAt is not null)
            {
                outcomes[index] = new WriteOutcome(byId.Id, WriteStatus.Conflict, "A deleted memory has this id; restore it, or choose another id.");
            }
            else if (mode == WriteMode.Upsert)
            {
                outcomes[index] = await UpsertAsync(transaction, there, draft, ct);
            }
            else if (byId is not null && !string.Equals(byId.Content, draft.Content, StringComparison.Ordinal))
            {
                outcomes[index] = new WriteOutcome(byId.Id, WriteStatus.Conflict, "The id exists with other content.");
            }
            else
            {
                outcomes[index] = new WriteOutcome(there.Id, WriteStatus.Duplicate);
                if (Difference(there, draft) is { } entry)
                {
                    differing.Add((there.Id, entry));
                }
            }
        }

        await KeepDifferencesAsync(transaction, differing, ct);
    }

    private async Task<WriteOutcome> UpsertAsync(NpgsqlTransaction transaction, Memory there, MemoryDraft draft, CancellationToken ct)
    {
        var locked = await LockAsync(transaction, there.Id, ct) ?? there;
        var change = await ReplaceAsync(transaction, locked, draft with { Id = there.Id }, ct);
        return change.Status switch
        {
            ChangeStatus.Changed => new WriteOutcome(there.Id, WriteStatus.Updated),
            ChangeStatus.Duplicate => new WriteOutcome(there.Id, WriteStatus.Conflict, $"The content is already stored as {change.Other}."),
            _ => new WriteOutcome(there.Id, WriteStatus.Duplicate),
        };
    }

    private async Task<Dictionary<int, (Memory? ById, Memory? ByKey)>> FindAsync(NpgsqlTransaction transaction, IReadOnlyList<MemoryDraft> drafts, List<int> known, CancellationToken ct)
    {
        var found = new Dictionary<int, (Memory?, Memory?)>(known.Count);
        await using var command = new NpgsqlCommand($"""
            SELECT {MemoryRowStore.Columns}, k.ordinal, m.id = k.id
            FROM unnest($2, $3, $4) AS k(ordinal, id, dedupe_key)
            JOIN memories m ON m.tenant_id = $1 AND (m.id = k.id OR m.dedupe_key = k.dedupe_key)
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new NpgsqlParameter[]
        {
            Text(tenant.Current),
            new NpgsqlParameter<int[]> { TypedValue = known.ToArray() },
            new NpgsqlParameter<Guid[]> { TypedValue = known.Select(i => drafts[i].Id).ToArray() },
            new NpgsqlParameter<string?[]> { TypedValue = known.Select(i => drafts[i].DedupeKey).ToArray() },
        });
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var index = row.GetInt32(MemoryRowStore.ColumnCount);
            var memory = MemoryRowStore.Read(row);
            var (byId, byKey) = found.GetValueOrDefault(index);
            found[index] = row.GetBoolean(MemoryRowStore.ColumnCount + 1) ? (memory, byKey) : (byId, memory);
        }

        return found;
    }

    /// <summary>What a duplicate said differently from the memory it repeats, as an entry of <c>provenance.duplicates</c>; null where nothing.</summary>
    private static string? Difference(Memory there, MemoryDraft draft)
    {
        var entry = new JsonObject();
        if (draft.IdGiven && draft.Id != there.Id)
        {
            entry["id"] = draft.Id.ToString();
        }

        if (!draft.Tags.SequenceEqual(there.Tags, StringComparer.Ordinal))
        {
            entry["tags"] = new JsonArray([.. draft.Tags.Select(t => (JsonNode)t)]);
        }

        if (!string.Equals(draft.ProjectId, there.ProjectId, StringComparison.Ordinal))
        {
            entry["projectId"] = draft.ProjectId;
        }

        if (!string.Equals(draft.Source, there.Source, StringComparison.Ordinal))
        {
            entry["source"] = draft.Source;
        }

        return entry.Count == 0 ? null : entry.ToJsonString();
    }

    private async Task KeepDifferencesAsync(NpgsqlTransaction transaction, List<(Guid Id, string Entry)> differing, CancellationToken ct)
    {
        // Row by row of one id, so that two differences of one memory in a batch are both kept.
        foreach (var wave in differing.GroupBy(d => d.Id).SelectMany(g => g.Distinct().Select((d, i) => (Wave: i, d.Id, d.Entry))).GroupBy(d => d.Wave).OrderBy(g => g.Key))
        {
            await ExecuteAsync(transaction, $"""
                UPDATE memories m
                SET provenance = jsonb_set(provenance, '{"{duplicates}"}', coalesce(provenance -> 'duplicates', '[]') || d.entry)
                FROM (SELECT id, entry::jsonb FROM unnest($2, $3) AS u(id, entry) ORDER BY id) AS d
                WHERE m.tenant_id = $1 AND m.id = d.id
                  AND NOT coalesce(provenance -> 'duplicates', '[]') @> jsonb_build_array(d.entry)
                  AND jsonb_array_length(coalesce(provenance -> 'duplicates', '[]')) < $4
                """, ct,
                Text(tenant.Current),
                Uuids([.. wave.Select(d => d.Id)]),
                new NpgsqlParameter<string[]> { TypedValue = wave.Select(d => d.Entry).ToArray() },
                new NpgsqlParameter<int> { TypedValue = MostDuplicatesKept });
        }
    }
}

using System.Text.Json.Nodes;
using Npgsql;
using static Mahavishnu.Storage.SqlParameters;

namespace Mahavishnu.Storage;

/// <summary>Drafts that met a memory which is already there.</summary>
public sealed partial class MemoryWriteStore
{
    // In an entry of provenance.duplicates: which import said so.
    private const string ImportMark = "import";

    private async Task MeetAsync(NpgsqlTransaction transaction, IReadOnlyList<MemoryDraft> drafts, List<int> known, WriteMode mode, WriteOutcome?[] outcomes, CancellationToken ct)
    {
        var found = await FindAsync(transaction, drafts, known, ct);
        var differing = new List<(Guid Id, string Entry)>();
        // Rows are locked in the order of their ids, whatever the order of the batch: see InsertStaged.
        foreach (var index in known.OrderBy(i => (found.GetValueOrDefault(i).ById ?? found.GetValueOrDefault(i).ByKey)?.Id))
        {
            var draft = drafts[index];
            // Neither id nor key is there any more: the other transaction was undone, or the memory was deleted in
            // between. The caller's next attempt writes it; saying "stored" now would be a lie.
            var (byId, byKey) = found.GetValueOrDefault(index);
            var there = byId ?? byKey ?? throw new NpgsqlException("The memory in the way vanished while it was being looked at.", new IOException("Write again."));

            if (byId is { Deleted: true })
            {
                outcomes[index] = new WriteOutcome(byId.Id, WriteStatus.Conflict, "A deleted memory has this id; restore it, or choose another id.");
            }
            else if (mode == WriteMode.Upsert)
            {
                outcomes[index] = await UpsertAsync(transaction, there, draft, ct);
            }
            else if (byId is not null && !byId.SameContent)
            {
                outcomes[index] = new WriteOutcome(byId.Id, WriteStatus.Conflict, "The id exists with other content.");
            }
            else if (byId is not null && !draft.IdGiven)
            {
                // Nobody else knows this id: an earlier attempt was committed and its answer lost.
                outcomes[index] = new WriteOutcome(byId.Id, WriteStatus.Created);
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

    private async Task<WriteOutcome> UpsertAsync(NpgsqlTransaction transaction, Met there, MemoryDraft draft, CancellationToken ct)
    {
        var before = await LockAsync(transaction, there.Id, ct);
        if (before is null || before.DeletedAt is not null)
        {
            return new WriteOutcome(there.Id, WriteStatus.Conflict, "The memory was deleted at the same moment; write it again.");
        }

        var change = await ReplaceAsync(transaction, before, draft with { Id = there.Id }, ct);
        return change.Status switch
        {
            ChangeStatus.Changed => new WriteOutcome(there.Id, WriteStatus.Updated),
            ChangeStatus.Duplicate => new WriteOutcome(there.Id, WriteStatus.Conflict, $"The content is already stored as {change.Other}."),
            _ => new WriteOutcome(there.Id, WriteStatus.Duplicate),
        };
    }

    /// <summary>As much of a stored memory as a duplicate is compared with.</summary>
    private sealed record Met(Guid Id, bool Deleted, bool SameContent, string[] Tags, string? ProjectId, string Source);

    private async Task<Dictionary<int, (Met? ById, Met? ByKey)>> FindAsync(NpgsqlTransaction transaction, IReadOnlyList<MemoryDraft> drafts, List<int> known, CancellationToken ct)
    {
        var found = new Dictionary<int, (Met?, Met?)>(known.Count);
        // Two joins, each over its unique index; "id = … OR key = …" in one would cost ten times as much.
        await using var command = new NpgsqlCommand("""
            WITH asked AS (SELECT * FROM unnest($2, $3, $4, $5) AS a(ordinal, id, dedupe_key, content_hash))
            SELECT a.ordinal, true, m.id, m.deleted_at IS NOT NULL, m.content_hash = a.content_hash, m.tags, m.project_id, m.source_system
            FROM asked a JOIN memories m ON m.tenant_id = $1 AND m.id = a.id
            UNION ALL
            SELECT a.ordinal, false, m.id, m.deleted_at IS NOT NULL, m.content_hash = a.content_hash, m.tags, m.project_id, m.source_system
            FROM asked a JOIN memories m ON m.tenant_id = $1 AND m.dedupe_key = a.dedupe_key
            """, transaction.Connection, transaction);
        command.Parameters.AddRange(new NpgsqlParameter[]
        {
            Text(tenant.Current),
            new NpgsqlParameter<int[]> { TypedValue = known.ToArray() },
            new NpgsqlParameter<Guid[]> { TypedValue = known.Select(i => drafts[i].Id).ToArray() },
            new NpgsqlParameter<string?[]> { TypedValue = known.Select(i => drafts[i].DedupeKey).ToArray() },
            new NpgsqlParameter<byte[][]> { TypedValue = known.Select(i => drafts[i].ContentHash).ToArray() },
        });
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var index = row.GetInt32(0);
            var met = new Met(
                row.GetGuid(2), row.GetBoolean(3), row.GetBoolean(4), row.GetFieldValue<string[]>(5), row.IsDBNull(6) ? null : row.GetString(6), row.GetString(7));
            var (byId, byKey) = found.GetValueOrDefault(index);
            found[index] = row.GetBoolean(1) ? (met, byKey) : (byId, met);
        }

        return found;
    }

    /// <summary>What a duplicate said differently from the memory it repeats, as an entry of <c>provenance.duplicates</c>; null where nothing.</summary>
    private static string? Difference(Met there, MemoryDraft draft)
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

        if (entry.Count == 0)
        {
            return null;
        }

        if (draft.ImportId is { } import)
        {
            entry[ImportMark] = import.ToString();
        }

        return entry.ToJsonString();
    }

    private async Task KeepDifferencesAsync(NpgsqlTransaction transaction, List<(Guid Id, string Entry)> differing, CancellationToken ct)
    {
        if (differing.Count == 0)
        {
            return;
        }

        await ExecuteAsync(transaction, "SELECT FROM memories WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE", ct, Text(tenant.Current), Uuids([.. differing.Select(d => d.Id)]));
        // Row by row of one id, so that two differences of one memory in a batch are both kept.
        foreach (var wave in differing.GroupBy(d => d.Id).SelectMany(g => g.Distinct().Select((d, i) => (Wave: i, d.Id, d.Entry))).GroupBy(d => d.Wave).OrderBy(g => g.Key))
        {
            await ExecuteAsync(transaction, $"""
                UPDATE memories m
                SET provenance = jsonb_set(provenance, '{"{duplicates}"}', coalesce(provenance -> 'duplicates', '[]') || d.entry)
                FROM (SELECT id, entry::jsonb FROM unnest($2, $3) AS u(id, entry)) AS d
                WHERE m.tenant_id = $1 AND m.id = d.id
                  AND NOT coalesce(provenance -> 'duplicates', '[]') @> jsonb_build_array(d.entry - '{ImportMark}')
                  AND jsonb_array_length(coalesce(provenance -> 'duplicates', '[]')) < $4
                """, ct,
                Text(tenant.Current),
                Uuids([.. wave.Select(d => d.Id)]),
                new NpgsqlParameter<string[]> { TypedValue = wave.Select(d => d.Entry).ToArray() },
                new NpgsqlParameter<int> { TypedValue = MostDuplicatesKept });
        }
    }
}

using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Mahavishnu.Storage;

/// <summary>Decides within a batch, before the database is asked: which rows are the same memory twice.</summary>
internal static class BatchTwins
{
    /// <summary>The rows to write, and for each other row the one it repeats (by id or by key); those that take another's place are neither.</summary>
    public static (List<int> Rows, List<(int Index, int First)> Twins) Find(IReadOnlyList<MemoryDraft> drafts)
    {
        var rows = new List<int>(drafts.Count);
        var twins = new List<(int, int)>();
        var byId = new Dictionary<Guid, int>(drafts.Count);
        var byKey = new Dictionary<string, int>(drafts.Count, StringComparer.Ordinal);
        for (var i = 0; i < drafts.Count; i++)
        {
            if (drafts[i].Supersedes is not null)
            {
                continue;
            }

            if (byId.TryGetValue(drafts[i].Id, out var first) || (drafts[i].DedupeKey is { } key && byKey.TryGetValue(key, out first)))
            {
                twins.Add((i, first));
                continue;
            }

            byId.Add(drafts[i].Id, i);
            if (drafts[i].DedupeKey is { } mine)
            {
                byKey.Add(mine, i);
            }

            rows.Add(i);
        }

        return (rows, twins);
    }

    public static WriteOutcome Outcome(MemoryDraft draft, MemoryDraft first, WriteOutcome outcome)
    {
        if (outcome.Status == WriteStatus.Conflict)
        {
            return outcome;
        }

        return draft.Id == first.Id && !draft.ContentHash.AsSpan().SequenceEqual(first.ContentHash)
            ? new WriteOutcome(draft.Id, WriteStatus.Conflict, "The id appears twice in this batch with different content.")
            : new WriteOutcome(outcome.Id, WriteStatus.Duplicate);
    }
}

/// <summary>Drafts as the JSON array that <c>jsonb_to_recordset</c> turns back into rows.</summary>
internal static class DraftJson
{
    public static string Write(IReadOnlyList<MemoryDraft> drafts, IEnumerable<int> rows)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (var index in rows)
            {
                Write(json, drafts[index]);
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, MemoryDraft draft)
    {
        json.WriteStartObject();
        json.WriteString("id", draft.Id);
        json.WriteString("memory_type", draft.Type);
        json.WriteString("source_system", draft.Source);
        json.WriteString("title", draft.Title);
        json.WriteString("content", draft.Content);
        json.WriteString("content_hash", Convert.ToHexStringLower(draft.ContentHash));
        json.WriteString("dedupe_key", draft.DedupeKey);
        json.WriteStartArray("tags");
        foreach (var tag in draft.Tags)
        {
            json.WriteStringValue(tag);
        }

        json.WriteEndArray();
        json.WriteString("agent_id", draft.AgentId);
        json.WriteString("workflow_id", draft.WorkflowId);
        json.WriteString("repo_id", draft.RepoId);
        json.WriteString("project_id", draft.ProjectId);
        json.WriteString("session_id", draft.SessionId);
        json.WritePropertyName("metadata");
        json.WriteRawValue(draft.Metadata);
        json.WritePropertyName("provenance");
        json.WriteRawValue(draft.Provenance);
        json.WriteString("occurred_at", draft.OccurredAt.ToUniversalTime());
        if (draft.ExpiresAt is { } expires)
        {
            json.WriteString("expires_at", expires.ToUniversalTime());
        }
        else
        {
            json.WriteNull("expires_at");
        }

        json.WriteEndObject();
    }
}

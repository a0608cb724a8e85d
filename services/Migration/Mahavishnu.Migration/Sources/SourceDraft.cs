using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>Makes the memory of a row: what all shapes of rows have in common.</summary>
internal sealed class SourceDraft(string file, SourceOptions options)
{
    public const string Source = "session_buddy";
    public const string GraphSource = "session_buddy_kg";

    /// <param name="plan">The row's table.</param>
    /// <param name="row">The row.</param>
    /// <param name="id">The source's own id.</param>
    /// <param name="content">Clean, and not blank.</param>
    /// <param name="time">When it was.</param>
    /// <param name="tags">Clean.</param>
    /// <param name="project">As the source has it.</param>
    /// <param name="session">As the source has it.</param>
    /// <param name="metadata">Gains what does not fit elsewhere.</param>
    public MemoryDraft Make(
        SourcePlan plan, RawRow row, string? id, string content, SourceTime time, IReadOnlyList<string> tags, string? project, string? session, SourceMetadata metadata)
    {
        var graph = plan.Table.Role == SourceRole.Edges;
        metadata.Add("source_id", id);
        if (time.Utc is null)
        {
            metadata.Add("occurredAtUnknown", true).Add("occurredAtRaw", time.Raw);
        }

        var projectId = Indexed(SourceText.Project(project));
        if (project is not null && !string.Equals(project, projectId, StringComparison.Ordinal))
        {
            metadata.Add("project", project);
        }

        var sessionId = Indexed(SourceText.Name(session));
        if (session is not null && !string.Equals(session, sessionId, StringComparison.Ordinal))
        {
            metadata.Add("session_id", session);
        }

        // A tag is a key of an index, too. What goes beyond is not lost.
        var fitting = tags.Where(t => t.Length <= MemoryLimits.TagLength).Take(MemoryLimits.Tags).ToList();
        if (fitting.Count < tags.Count)
        {
            metadata.Add("all_tags", tags);
        }

        var (document, kept) = metadata.Build();
        var draft = new MemoryDraft
        {
            Id = Guid.CreateVersion7(options.Clock.GetUtcNow()),
            Type = plan.Shape == RowShape.Conversation ? MemoryTypes.Agent : MemoryTypes.Insight,
            Source = graph ? GraphSource : Source,
            Content = content,
            Tags = fitting,
            ProjectId = projectId,
            SessionId = sessionId,
            Metadata = document,
            Provenance = Provenance(plan, row, id, kept),
            OccurredAt = time.Utc ?? options.ImportedAt,
        };
        return draft with { DedupeKey = graph ? DedupeKeys.ForImportedEdge(draft.ContentHash) : DedupeKeys.ForImportedText(draft.ContentHash) };
    }

    private string Provenance(SourcePlan plan, RawRow row, string? id, IReadOnlyList<(string Key, object Value)> kept) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("file", TextSanitizer.Clean(file));
        json.WriteString("generation", plan.Table.Generation);
        json.WriteString("table", TextSanitizer.Clean(plan.Table.Name));
        json.WriteNumber("row", row.Number);
        if (id is not null)
        {
            json.WriteString("id", id);
        }

        if (kept.Count > 0)
        {
            json.WriteStartObject("kept");
            foreach (var (key, value) in kept)
            {
                json.WritePropertyName(key);
                JsonText.WriteValue(json, value);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    });

    /// <summary>Longer names are no names, and no key of an index: they stay in the metadata.</summary>
    private static string? Indexed(string? name) => name is { Length: <= MemoryLimits.NameLength } ? name : null;
}

using System.Text.Json;

namespace Mahavishnu.Migration;

/// <summary>What other tables say about a text.</summary>
/// <param name="Tags">From reflection_tags.</param>
/// <param name="Access">From access_log_v2.</param>
/// <param name="Original">The row of the first version that this one was copied from.</param>
internal sealed record TextExtras(IEnumerable<string> Tags, RawRow? Access, RawRow? Original)
{
    public static readonly TextExtras None = new([], null, null);
}

/// <summary>Makes memories of conversations, reflections, vector documents and skills.</summary>
internal sealed class TextRows(SourceDraft drafts, SourceClock clock)
{
    private const string Blank = "The text is blank.";

    // Columns that have a place of their own; every other one goes into the metadata under its name.
    private static readonly HashSet<string> Placed = new(StringComparer.OrdinalIgnoreCase)
    {
        "id", "content", "project", "tags", "metadata", "session_id", "timestamp", "created_at", "vector", "embedding", "searchable_content",
    };

    public SourceRow Make(SourcePlan plan, RawRow row, TextExtras extras) => plan.Shape switch
    {
        RowShape.Document => Document(plan, row),
        RowShape.Skill => Skill(plan, row),
        _ => Text(plan, row, extras),
    };

    private SourceRow Text(SourcePlan plan, RawRow row, TextExtras extras)
    {
        if (row.Text("content") is not { } raw)
        {
            return new RejectedRow(row.Number, "The text is NULL.", row.ToJson());
        }

        var content = SourceText.Clean(raw);
        if (string.IsNullOrWhiteSpace(content))
        {
            return new RejectedRow(row.Number, Blank, row.ToJson());
        }

        var original = extras.Original;
        var metadata = new SourceMetadata(row.Text("metadata") ?? original?.Text("metadata"));
        metadata.Add("kind", Kind(plan, row, metadata));
        foreach (var column in row.Columns.Where(c => !Placed.Contains(c.Name)))
        {
            AddColumn(metadata, column.Name, row);
        }

        if (row.Text("searchable_content") is { } searchable && searchable != raw)
        {
            metadata.Add("searchable_content", searchable);
        }

        if (extras.Access is { } access)
        {
            metadata.Add("access_count", access["access_count"]).Add("last_accessed", access.Time("access_timestamp", clock));
        }

        var time = When(plan, row, original, metadata);
        var draft = drafts.Make(
            plan, row, SourceText.Name(row.Text("id")), content, time,
            [.. row.List("tags").Concat(extras.Tags).Concat(original?.List("tags") ?? []).Select(SourceText.Name).OfType<string>().Distinct(StringComparer.Ordinal)],
            row.Text("project") ?? original?.Text("project") ?? metadata.Text("project"), row.Text("session_id") ?? metadata.Text("session_id"), metadata);
        return new TextRow(row.Number, draft, SourceText.Name(row.Text("id")), time.Utc is not null);
    }

    /// <summary>The time of the row, and under their names the times that it has besides.</summary>
    private SourceTime When(SourcePlan plan, RawRow row, RawRow? original, SourceMetadata metadata)
    {
        var (first, second) = plan.Table.Generation is "g3" or "seed" ? ("created_at", "timestamp") : ("timestamp", "created_at");
        var time = row.Time(first, clock);
        var other = row.Time(second, clock);
        if (time is { Utc: null, Raw: null } && original is not null)
        {
            // In the second version's created_at is then the day on which the row was copied.
            time = original.Time(first, clock);
        }

        if (time is { Utc: null, Raw: null } && other is not { Utc: null, Raw: null })
        {
            metadata.Add("occurredAtFrom", second);
            return other;
        }

        if (other.Utc != time.Utc)
        {
            metadata.Add(second, other);
        }

        return time;
    }

    private static string Kind(SourcePlan plan, RawRow row, SourceMetadata metadata) => plan.Shape switch
    {
        RowShape.Conversation => "conversation",

        // A column that came later gave every older row the type "general"; only insights have a quality.
        _ when row.Text("insight_type") is not { } type || (type == "general" && metadata["quality_score"] is null) => "reflection",
        _ => "insight",
    };

    private void AddColumn(SourceMetadata metadata, string column, RawRow row)
    {
        switch (row[column])
        {
            case null or "":
                break;
            case Moment or OddTime:
                metadata.Add(column, row.Time(column, clock));
                break;
            case IReadOnlyList<string?> list:
                metadata.Add(column, list.OfType<string>().Select(SourceText.Clean).ToList());
                break;
            case string text:
                metadata.Add(column, SourceText.Clean(text));
                break;
            case var value:
                metadata.Add(column, value);
                break;
        }
    }

    /// <summary>{"id":…, "content":…, "project":…, "timestamp":…, "metadata":"{\"…\"}", "type":"conversation"}: the vector store knew nothing but metadata.</summary>
    private SourceRow Document(SourcePlan plan, RawRow row)
    {
        var document = new SourceMetadata(row.Text("metadata"));
        if ((row.Text("content") ?? document.Text("content")) is not { } raw)
        {
            return new RejectedRow(row.Number, "The text is NULL: the metadata, which should hold it, does not.", row.ToJson());
        }

        var content = SourceText.Clean(raw);
        if (string.IsNullOrWhiteSpace(content))
        {
            return new RejectedRow(row.Number, Blank, row.ToJson());
        }

        var conversation = document.Text("type") == "conversation";
        var inner = document["metadata"] switch
        {
            { ValueKind: JsonValueKind.String } text => text.GetString(),
            { ValueKind: not JsonValueKind.Null } other => other.GetRawText(),
            _ => null,
        };
        var metadata = new SourceMetadata(inner);
        metadata.Add("kind", conversation ? "conversation" : "reflection");
        foreach (var (name, value) in document.Others("id", "content", "project", "timestamp", "metadata", "tags", "type"))
        {
            metadata.Add(name, value);
        }

        var time = document["timestamp"] switch
        {
            { ValueKind: JsonValueKind.String } text => clock.FromText(text.GetString()!),
            { ValueKind: JsonValueKind.Number } number => clock.FromText(number.GetRawText()),
            _ => row.Time("timestamp", clock),
        };
        IEnumerable<string?> tags = document["tags"] switch
        {
            { ValueKind: JsonValueKind.Array } list => list.EnumerateArray().Select(t => t.ValueKind == JsonValueKind.String ? t.GetString() : t.GetRawText()),
            { ValueKind: JsonValueKind.String } one => [one.GetString()],
            _ => [],
        };
        var id = SourceText.Name(row.Text("id") ?? document.Text("id"));
        var draft = drafts.Make(
            conversation ? plan with { Shape = RowShape.Conversation } : plan, row, id, content, time, [.. tags.Select(SourceText.Name).OfType<string>().Distinct(StringComparer.Ordinal)],
            document.Text("project") ?? metadata.Text("project"), metadata.Text("session_id"), metadata);
        return new TextRow(row.Number, draft, id, time.Utc is not null);
    }

    /// <summary>A skill is what its columns say, one below the other.</summary>
    private SourceRow Skill(SourcePlan plan, RawRow row)
    {
        var parts = new[] { ("Problem", "problem_pattern"), ("Approach", "suggested_approach"), ("Because", "because") }
            .Select(p => (Title: p.Item1, Text: row.Text(p.Item2) is { } text ? SourceText.Clean(text) : null)).Where(p => !string.IsNullOrWhiteSpace(p.Text)).ToList();
        if (parts.Count == 0)
        {
            return new RejectedRow(row.Number, Blank, row.ToJson());
        }

        var metadata = new SourceMetadata(null).Add("kind", "skill");
        foreach (var column in row.Columns.Where(c => c.Name.ToLowerInvariant() is not ("id" or "problem_pattern" or "suggested_approach" or "because" or "created_at" or "source_memory_ids")))
        {
            AddColumn(metadata, column.Name, row);
        }

        metadata.Add("source_memory_ids", row.List("source_memory_ids") is { Count: > 0 } sources ? sources : null);
        var id = SourceText.Name(row.Text("id"));
        var time = row.Time("created_at", clock);
        var draft = drafts.Make(plan, row, id, string.Join('\n', parts.Select(p => $"{p.Title}: {p.Text}")), time, [], null, null, metadata);
        return new TextRow(row.Number, draft, id, time.Utc is not null);
    }
}

using System.Security.Cryptography;
using System.Text;

namespace Mahavishnu.Migration;

/// <summary>What the ends of edges are called, and who is called so.</summary>
internal sealed record EntityNames(IReadOnlyDictionary<string, string?> ById, ILookup<string, string> ByName);

/// <summary>Makes entities and edges of the graph's rows. An edge is a sentence, too.</summary>
internal sealed class GraphRows(SourceDraft drafts, SourceClock clock, SourceOptions options)
{
    // Of entities that only an edge of the plan's own schema names.
    private const string UnknownType = "unknown";

    public SourceRow Entity(RawRow row)
    {
        var name = SourceText.Name(row.Text("name"));
        if (name is null)
        {
            return new RejectedRow(row.Number, "The entity's name is blank.", row.ToJson());
        }

        var type = SourceText.Name(row.Text("entity_type")) ?? UnknownType;
        var properties = new SourceMetadata(row.Text("properties"));
        AddMetadata(properties, row);
        foreach (var column in row.Columns.Where(c => c.Name.ToLowerInvariant() is not ("id" or "name" or "entity_type" or "observations" or "properties" or "metadata" or "created_at" or "updated_at")))
        {
            properties.Add(column.Name, Value(row, column.Name));
        }

        var id = SourceText.Name(row.Text("id")) ?? Hash("entity", name, type);
        var created = Created(row, properties);
        return new EntityRow(row.Number, new GraphEntity(
            id, SourceText.Clean(row.Text("name")!), type,
            row["observations"] is IReadOnlyList<string?> list ? [.. list.OfType<string>().Select(SourceText.Clean)] : row.List("observations"),
            Document(properties), created, row.Time("updated_at", clock).Utc));
    }

    public SourceRow Relationship(SourcePlan plan, RawRow row, EntityNames names)
    {
        var type = Clean(row.Text("relation_type"));
        if (type is null)
        {
            return new RejectedRow(row.Number, "The relation is blank.", row.ToJson());
        }

        if (!Resolve(row.Text("from_entity"), names, out var from, out var fromName, out var byName, out var trouble)
            || !Resolve(row.Text("to_entity"), names, out var to, out var toName, out var toByName, out trouble))
        {
            return new RejectedRow(row.Number, trouble, row.ToJson());
        }

        var properties = new SourceMetadata(row.Text("properties"));
        AddMetadata(properties, row);
        var id = SourceText.Name(row.Text("id"));
        properties.Add("source_id", id);
        if (byName || toByName)
        {
            properties.Add("resolved_by_name", true);
        }

        var created = row.Time("created_at", clock);
        var createdAt = Created(row, properties);
        var edge = new GraphEdge(Hash("edge", from, type, to), from, to, type, Document(properties), createdAt, row.Time("updated_at", clock).Utc);
        var metadata = Sentence(row.Text("properties"), fromName, type, toName).Add("from_entity", from).Add("to_entity", to);
        AddMetadata(metadata, row);
        var sentence = drafts.Make(plan, row, id, $"{fromName} {type} {toName}", created, [], metadata.Text("project"), null, metadata);
        return new EdgeRow(row.Number, edge, sentence, created.Utc is not null, byName || toByName, []);
    }

    /// <summary>The plan's own schema: the names are the entities.</summary>
    public SourceRow Triple(SourcePlan plan, RawRow row)
    {
        var (from, type, to) = (Clean(row.Text("entity_a")), Clean(row.Text("relation")), Clean(row.Text("entity_b")));
        if (from is null || type is null || to is null)
        {
            return new RejectedRow(row.Number, $"{(from is null ? "entity_a" : type is null ? "relation" : "entity_b")} is blank.", row.ToJson());
        }

        var created = row.Time("created_at", clock);
        var metadata = Sentence(row.Text("metadata"), from, type, to);
        foreach (var column in row.Columns.Where(c => c.Name.ToLowerInvariant() is not ("entity_a" or "relation" or "entity_b" or "metadata" or "created_at")))
        {
            metadata.Add(column.Name, Value(row, column.Name));
        }

        var (a, b) = (Named(from), Named(to));
        var properties = new SourceMetadata(row.Text("metadata"));
        var edge = new GraphEdge(Hash("edge", a.Id, type, b.Id), a.Id, b.Id, type, Document(properties), created.Utc ?? options.ImportedAt, null);
        var sentence = drafts.Make(plan, row, SourceText.Name(row.Text("id")), $"{from} {type} {to}", created, [], metadata.Text("project"), null, metadata);
        return new EdgeRow(row.Number, edge, sentence, created.Utc is not null, ByName: false, a.Id == b.Id ? [a] : [a, b]);
    }

    private GraphEntity Named(string name) => new(Hash("name", name), name, UnknownType, [], "{}", options.ImportedAt, null);

    private static SourceMetadata Sentence(string? raw, string from, string relation, string to) =>
        new SourceMetadata(raw).Add("kind", "relation").Add("entity_a", from).Add("relation", relation).Add("entity_b", to);

    /// <summary>An end is an entity's id, or by mistake a name: then the one entity that is called so.</summary>
    private static bool Resolve(string? end, EntityNames names, out string id, out string name, out bool byName, out string trouble)
    {
        (id, name, byName, trouble) = ("", "", false, "");
        if (end is null)
        {
            trouble = "An end of the edge is NULL.";
            return false;
        }

        var resolved = end;
        if (!names.ById.TryGetValue(end, out var found))
        {
            var called = names.ByName[end].Take(2).ToList();
            if (called.Count != 1)
            {
                trouble = called.Count == 0
                    ? $"No entity has the id or the name \"{SourceText.Clean(end)}\"."
                    : $"No entity has the id \"{SourceText.Clean(end)}\", and several have it as their name.";
                return false;
            }

            (resolved, found, byName) = (called[0], end, true);
        }

        if (SourceText.Name(found) is null)
        {
            trouble = $"The entity {SourceText.Clean(resolved)} at an end of the edge has no name.";
            return false;
        }

        (id, name) = (SourceText.Name(resolved)!, SourceText.Clean(found!));
        return true;
    }

    private static void AddMetadata(SourceMetadata properties, RawRow row)
    {
        if (row.Text("metadata") is { } text && text is not "{}")
        {
            var (document, _) = new SourceMetadata(text).Build();
            properties.Add("metadata", new JsonDocumentText(document));
        }
    }

    private object? Value(RawRow row, string column) => row[column] is Moment or OddTime ? row.Time(column, clock) : row[column];

    private DateTimeOffset Created(RawRow row, SourceMetadata properties)
    {
        var time = row.Time("created_at", clock);
        properties.Add("created_at_raw", time.Raw);
        return time.Utc ?? options.ImportedAt;
    }

    private static string? Clean(string? text) => text is not null && SourceText.Clean(text) is var clean && !string.IsNullOrWhiteSpace(clean) ? clean : null;

    // The columns of the graph have no limit of their own, and no provenance.
    private static string Document(SourceMetadata properties)
    {
        var (document, kept) = properties.Build();
        return kept.Count == 0 ? document : properties.BuildWhole();
    }

    /// <summary>An id for what has none: the same for the same parts.</summary>
    private static string Hash(string kind, params ReadOnlySpan<string> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
        {
            text.Append(part.Length).Append(':').Append(part);
        }

        return $"{kind}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 16))}";
    }
}

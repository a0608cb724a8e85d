using DuckDB.NET.Data;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>What other tables of the file say about the rows at hand: asked for a few hundred rows at a time, so that no table has to be held in memory or sorted.</summary>
internal sealed class SourceLookupStore(DuckDBConnection connection, IReadOnlyList<FoundTable> tables, CancellationToken ct)
{
    private static readonly string[] Texts = ["reflections", "reflections_v2", "conversations", "conversations_v2"];

    /// <summary>Each id's tags.</summary>
    public ILookup<string, string> Tags(IReadOnlyCollection<string> ids) =>
        Find("reflection_tags", "reflection_id", "tag") is { } table
            ? Ask(table, ids, "CAST(reflection_id AS VARCHAR)", "CAST(tag AS VARCHAR)").Where(r => r.Value is not null).ToLookup(r => r.Id, r => r.Value!, StringComparer.Ordinal)
            : Array.Empty<string>().ToLookup(i => i, StringComparer.Ordinal);

    /// <summary>How often, and when last, each id was looked at.</summary>
    public IReadOnlyDictionary<string, RawRow> Accesses(IReadOnlyCollection<string> ids) => Rows(Find("access_log_v2", "reflection_id"), "reflection_id", ids);

    /// <summary>The rows that the tool which made the second version copied; it left project, tags and metadata behind.</summary>
    public IReadOnlyDictionary<string, RawRow> Originals(RowShape shape, IReadOnlyCollection<string> ids) =>
        Rows(Find(shape == RowShape.Conversation ? "conversations" : "reflections", "id"), "id", ids, except: "content");

    /// <summary>Those of the ids that a text has.</summary>
    public IReadOnlySet<string> Known(IReadOnlyCollection<string> ids) =>
        Texts.Select(n => Find(n, "id")).OfType<FoundTable>().SelectMany(t => Ask(t, ids, "CAST(id AS VARCHAR)", "NULL")).Select(r => r.Id).ToHashSet(StringComparer.Ordinal);

    /// <summary>Each id's entity's name.</summary>
    public IReadOnlyDictionary<string, string?> EntityNames(IReadOnlyCollection<string> ids) =>
        Find("kg_entities", "id", "name") is { } table
            ? Ask(table, ids, "CAST(id AS VARCHAR)", "CAST(name AS VARCHAR)").DistinctBy(r => r.Id, StringComparer.Ordinal).ToDictionary(r => r.Id, r => r.Value, StringComparer.Ordinal)
            : new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>The ids of the entities that have each name.</summary>
    public ILookup<string, string> EntitiesNamed(IReadOnlyCollection<string> names) =>
        Find("kg_entities", "id", "name") is { } table
            ? Ask(table, names, "CAST(name AS VARCHAR)", "CAST(id AS VARCHAR)").Where(r => r.Value is not null).ToLookup(r => r.Id, r => r.Value!, StringComparer.Ordinal)
            : Array.Empty<string>().ToLookup(i => i, StringComparer.Ordinal);

    private FoundTable? Find(string name, params ReadOnlySpan<string> columns)
    {
        var table = tables.FirstOrDefault(t => t.Is(name));
        foreach (var column in columns)
        {
            if (table?.Has(column) != true)
            {
                return null;
            }
        }

        return table;
    }

    private List<(string Id, string? Value)> Ask(FoundTable table, IReadOnlyCollection<string> ids, string key, string value)
    {
        var found = new List<(string, string?)>();
        if (ids.Count == 0)
        {
            return found;
        }

        ct.ThrowIfCancellationRequested();
        using var command = SqlText.With(connection.CreateCommand(), $"SELECT {key}, {value} {SourceRowStore.From(table)} WHERE {key} IN (SELECT unnest($1)) ORDER BY rowid");
        command.Parameters.Add(new DuckDBParameter(ids.ToList()));
        using var row = command.ExecuteReader();
        while (row.Read())
        {
            found.Add((row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1)));
        }

        return found;
    }

    private Dictionary<string, RawRow> Rows(FoundTable? table, string key, IReadOnlyCollection<string> ids, string? except = null)
    {
        var found = new Dictionary<string, RawRow>(StringComparer.Ordinal);
        if (table is null || ids.Count == 0)
        {
            return found;
        }

        ct.ThrowIfCancellationRequested();
        foreach (var row in SourceRowStore.Find(connection, table, key, ids, except))
        {
            found.TryAdd(row.Text(key)!, row);
        }

        return found;
    }
}

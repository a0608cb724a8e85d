using System.Text.RegularExpressions;

namespace Mahavishnu.Migration;

/// <summary>What the rows of a table are.</summary>
internal enum RowShape
{
    None,
    Conversation,
    Reflection,

    /// <summary>A document of the vector store of generation 2: all it says is in its metadata.</summary>
    Document,
    Entity,
    Relationship,

    /// <summary>An edge of the plan's own schema: two names and what is between them.</summary>
    Triple,
    Group,
    Dependency,
    SessionLink,
    CausalLink,
    Skill,

    /// <summary>Goes into the memory it names.</summary>
    Joined,
}

/// <summary>A table as the file's catalogue has it.</summary>
internal sealed record FoundTable(string Schema, string Name, long Rows, IReadOnlyList<SourceColumn> Columns, bool HasKey)
{
    public bool Has(string column) => Columns.Any(c => string.Equals(c.Name, column, StringComparison.OrdinalIgnoreCase));

    public bool Is(string name) => InMain && string.Equals(Name, name, StringComparison.OrdinalIgnoreCase);

    public bool InMain => Schema == "main";

    /// <summary>As people write it.</summary>
    public string FullName => InMain ? Name : $"{Schema}.{Name}";
}

/// <summary>A table, and what is known of it.</summary>
internal sealed record SourcePlan(SourceTable Table, FoundTable Found, RowShape Shape);

/// <summary>Tells what a file holds by its tables and their columns: there is no version number, and one file may hold several generations.</summary>
internal static partial class SourceSchema
{
    private const string Default = "default";

    // Session-Buddy's own names for its collections, in the order in which they were made; others follow by name.
    private static readonly string[] Collections = [Default, "mahavishnu_project", "mahavishnu_global"];

    /// <summary>In the order in which they are to be imported: the newest generation first, since of two equal texts the first one stays and it knows more. Skipped ones last.</summary>
    public static IReadOnlyList<SourcePlan> Plan(IReadOnlyList<FoundTable> tables, SourceOptions options)
    {
        var older = tables.Any(IsOfGeneration4) ? "g4" : "g1";
        return [.. tables.Select(t => Chosen(Of(t, older), options)).OrderBy(Order).ThenBy(p => CollectionOrder(p.Table.Collection))
            .ThenBy(p => p.Table.Collection, StringComparer.Ordinal).ThenBy(p => p.Shape).ThenBy(p => p.Table.Name, StringComparer.Ordinal)];
    }

    private static SourcePlan Of(FoundTable table, string older)
    {
        if (table is { Schema: "vectors" } && table.Has("metadata"))
        {
            return As("g2", SourceRole.Text, RowShape.Document, table.Name);
        }

        if (!table.InMain)
        {
            return Skip("", "unknown");
        }

        switch (table.Name.ToLowerInvariant())
        {
            case "conversations_v2":
                return Text("g5", RowShape.Conversation);
            case "reflections_v2":
                return Text("g5", RowShape.Reflection);
            case "conversations":
                return Text(older, RowShape.Conversation);
            case "reflections":
                return Text(table.Has("timestamp") || table.Has("embedding") ? older : "seed", RowShape.Reflection);
            case "knowledge_graph":
                return table.Has("entity_a") && table.Has("relation") && table.Has("entity_b") ? As("seed", SourceRole.Edges, RowShape.Triple) : Skip("seed", "has not the columns entity_a, relation and entity_b");
            case "kg_entities":
                return table.Has("name") ? As("kg", SourceRole.Entities, RowShape.Entity) : Skip("kg", "has no column name");
            case "kg_relationships":
                return table.Has("from_entity") && table.Has("to_entity") && table.Has("relation_type")
                    ? As("kg", SourceRole.Edges, RowShape.Relationship) : Skip("kg", "has not the columns from_entity, to_entity and relation_type");
            case "project_groups":
                return Carried(older, RowShape.Group);
            case "project_dependencies":
                return Carried(older, RowShape.Dependency);
            case "session_links":
                return Carried(table.Has("context") ? "g1" : older, RowShape.SessionLink);
            case "causal_links":
                return Carried("g5", RowShape.CausalLink);
            case "distilled_skills":
                return Carried("g5", RowShape.Skill);
            case "reflection_tags" or "access_log_v2":
                return table.Has("reflection_id") ? Carried("g4", RowShape.Joined) : Skip("g4", "has no column reflection_id");
        }

        if (SkippedTables.Reason(table.Name) is { } known)
        {
            return Skip(known.Generation, known.Reason);
        }

        return OfCollection().Match(table.Name) is { Success: true } match && table.Has("content")
            ? As("g3", SourceRole.Text, match.Groups["kind"].ValueSpan.StartsWith("c", StringComparison.OrdinalIgnoreCase) ? RowShape.Conversation : RowShape.Reflection, match.Groups["collection"].Value)
            : Skip("", "unknown");

        SourcePlan Text(string generation, RowShape shape) => table.Has("content") ? As(generation, SourceRole.Text, shape) : Skip(generation, "has no column content");
        SourcePlan Carried(string generation, RowShape shape) => As(generation, SourceRole.Carried, shape);
        SourcePlan Skip(string generation, string reason) => new(new SourceTable(table.FullName, generation, Default, SourceRole.Skipped, table.Rows, reason), table, RowShape.None);
        SourcePlan As(string generation, SourceRole role, RowShape shape, string collection = Default) =>
            new(new SourceTable(table.FullName, generation, collection, role, table.Rows, null), table, shape);
    }

    private static bool IsOfGeneration4(FoundTable table) =>
        (table.Is("reflections") && table.Has("project")) || table.Is("reflection_tags") || table.Is("access_log_v2") || table.Is("code_graphs") || table.Is("conversations_v2");

    private static SourcePlan Chosen(SourcePlan plan, SourceOptions options)
    {
        var table = plan.Table;
        if (table.Role == SourceRole.Skipped)
        {
            return plan;
        }

        var reason = options.Tables.Count > 0 && !options.Tables.Contains(table.Name, StringComparer.OrdinalIgnoreCase) ? "not among the tables asked for"
            : options.Collections.Count > 0 && !options.Collections.Contains(table.Collection, StringComparer.OrdinalIgnoreCase) ? $"of the collection {table.Collection}, which was not asked for"
            : null;
        return reason is null ? plan : plan with { Table = table with { Role = SourceRole.Skipped, Reason = reason } };
    }

    private static int Order(SourcePlan plan) => plan.Table.Role switch
    {
        SourceRole.Text => plan.Table.Generation switch { "g5" => 0, "g3" => 1, "g2" => 2, "g4" => 3, "g1" => 4, _ => 5 },
        SourceRole.Entities => 10,
        SourceRole.Edges => 11,
        SourceRole.Carried => 12,
        _ => 13,
    };

    private static int CollectionOrder(string collection) => Array.IndexOf(Collections, collection) is >= 0 and var known ? known : Collections.Length;

    [GeneratedRegex("^(?<collection>.+)_(?<kind>conversations|reflections)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1_000)]
    private static partial Regex OfCollection();
}

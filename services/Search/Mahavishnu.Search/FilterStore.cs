using System.Globalization;
using System.Text.Json;

namespace Mahavishnu.Search;

/// <summary>The one place where a filter becomes SQL. Columns and operators come from the tables here, everything the caller said travels as a parameter.</summary>
/// <remarks>
/// A condition on a value that is not there is neither true nor false in SQL; <c>not</c> and <c>ne</c> are written so that such a memory is
/// among what they find: a memory without a project is not in project "a".
/// </remarks>
internal static class FilterStore
{
    // Each is a look into the index.
    private const int MostContained = 20;

    // The empty path: the value itself, as text.
    private const string Root = "'{}'";

    /// <returns>A condition on the row <c>m</c> of memories, in brackets.</returns>
    public static string Sql(Filter filter, Parameters p) => filter switch
    {
        AllOf all => "(" + string.Join(" AND ", all.Parts.Select(part => Sql(part, p))) + ")",
        AnyOf any => "(" + string.Join(" OR ", any.Parts.Select(part => Sql(part, p))) + ")",
        Not not => $"({Sql(not.Inner, p)} IS NOT TRUE)",
        Condition { Operator: FilterOperator.Ne } c => $"({Sql(c with { Operator = FilterOperator.Eq }, p)} IS NOT TRUE)",
        Condition c => "(" + Sql(c, p) + ")",
        _ => throw new ArgumentOutOfRangeException(nameof(filter)),
    };

    private static string Sql(Condition c, Parameters p) => c.Field.Kind switch
    {
        FieldKind.Text => TextSql("m." + Column(c.Field.Name), c, p),
        FieldKind.Time => TimeSql("m." + Column(c.Field.Name), c, p),
        FieldKind.Id => IdSql("m." + Column(c.Field.Name), c, p),
        FieldKind.List => ListSql("m." + Column(c.Field.Name), c, p),
        FieldKind.Json when Contained(c) is { } parts => string.Join(" OR ", parts.Select(part => $"m.metadata @> {p.Json(part)}")),
        FieldKind.Json => JsonSql($"(m.metadata #> {p.Texts(c.Field.Path)})", c, p),
        _ => throw new ArgumentOutOfRangeException(nameof(c)),
    };

    private static string Column(string field) => field switch
    {
        "id" => "id",
        "type" => "memory_type",
        "source" => "source_system",
        "title" => "title",
        "content" => "content",
        "tags" => "tags",
        "projectId" => "project_id",
        "agentId" => "agent_id",
        "workflowId" => "workflow_id",
        "repoId" => "repo_id",
        "sessionId" => "session_id",
        "occurredAt" => "occurred_at",
        "createdAt" => "created_at",
        "updatedAt" => "updated_at",
        "expiresAt" => "expires_at",
        FilterField.SupersededBy => "superseded_by",
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };

    // Texts are ordered by code point, whatever the database's language: an order that a caller can predict.
    private static string TextSql(string column, Condition c, Parameters p) => c.Operator switch
    {
        FilterOperator.In => $"{column} = ANY({p.Texts(All<string>(c))})",
        FilterOperator.Contains => $"strpos({column}, {p.Text(One<string>(c))}) > 0",
        FilterOperator.Exists => Exists($"{column} IS NOT NULL", c),
        FilterOperator.Eq => $"{column} = {p.Text(One<string>(c))}",
        _ => $"""{column} COLLATE "C" {Comparison(c)} {p.Text(One<string>(c))}""",
    };

    private static string TimeSql(string column, Condition c, Parameters p) => c.Operator switch
    {
        FilterOperator.In => $"{column} = ANY({p.Times(All<DateTimeOffset>(c))})",
        FilterOperator.Exists => Exists($"{column} IS NOT NULL", c),
        _ => $"{column} {Comparison(c)} {p.Time(One<DateTimeOffset>(c))}",
    };

    private static string IdSql(string column, Condition c, Parameters p) => c.Operator switch
    {
        FilterOperator.In => $"{column} = ANY({p.Ids(All<Guid>(c))})",
        FilterOperator.Exists => Exists($"{column} IS NOT NULL", c),
        _ => $"{column} {Comparison(c)} {p.Id(One<Guid>(c))}",
    };

    private static string ListSql(string column, Condition c, Parameters p) => c.Operator switch
    {
        // The index on tags leaves out empty lists and has to hear that we do too.
        FilterOperator.Contains => $"{column} @> {p.Texts(All<string>(c))} AND {column} <> '{{}}'",
        FilterOperator.In => $"{column} && {p.Texts(All<string>(c))} AND {column} <> '{{}}'",
        _ => Exists($"{column} <> '{{}}'", c),
    };

    /// <summary>
    /// What the index on metadata can answer: objects that the metadata contain exactly where the value is the one asked for. Null where there is no such thing:
    /// a path with a number may lead through a list, and a text may be part of another.
    /// </summary>
    private static IEnumerable<string>? Contained(Condition c)
    {
        if (c.Values.Count > MostContained || c.Field.Path.Skip(1).Any(key => int.TryParse(key, NumberStyles.Integer, CultureInfo.InvariantCulture, out _)))
        {
            return null;
        }

        return c.Operator switch
        {
            FilterOperator.Eq or FilterOperator.In => c.Values.Select(v => Nested(c.Field.Path, Literal(v))),
            FilterOperator.Contains when c.Values[0] is not string => [Nested(c.Field.Path, $"[{Literal(c.Values[0])}]")],
            _ => null,
        };
    }

    // {"a":{"b":1}}
    private static string Nested(IReadOnlyList<string> path, string value) => path.Reverse().Aggregate(value, (inner, key) => $"{{{JsonSerializer.Serialize(key)}:{inner}}}");

    // A metadata value may be of any type in each row: it is looked at before it is cast, in a CASE, which alone guarantees the order.
    private static string JsonSql(string value, Condition c, Parameters p) => c.Operator switch
    {
        FilterOperator.Exists => Exists($"coalesce(jsonb_typeof({value}), 'null') <> 'null'", c),
        FilterOperator.Eq => $"{value} = {p.Json(Literal(c.Values[0]))}",
        FilterOperator.In => $"{value} = ANY({p.Jsons([.. c.Values.Select(Literal)])})",
        // A list contains the value as an element, a text contains it as a part.
        FilterOperator.Contains when c.Values[0] is string part =>
            $"CASE jsonb_typeof({value}) WHEN 'array' THEN {value} @> {p.Json(Literal(part))} WHEN 'string' THEN strpos({value} #>> {Root}, {p.Text(part)}) > 0 END",
        FilterOperator.Contains => $"CASE jsonb_typeof({value}) WHEN 'array' THEN {value} @> {p.Json(Literal(c.Values[0]))} END",
        _ when c.Values[0] is JsonNumber number => $"CASE jsonb_typeof({value}) WHEN 'number' THEN ({value})::numeric {Comparison(c)} ({p.Json(number.Text)})::numeric END",
        _ => $"""CASE jsonb_typeof({value}) WHEN 'string' THEN ({value} #>> {Root}) COLLATE "C" {Comparison(c)} {p.Text(One<string>(c))} END""",
    };

    private static string Literal(object value) => value switch
    {
        JsonNumber number => number.Text,
        bool truth => truth ? "true" : "false",
        _ => JsonSerializer.Serialize((string)value),
    };

    private static string Comparison(Condition c) => c.Operator switch
    {
        FilterOperator.Eq => "=",
        FilterOperator.Lt => "<",
        FilterOperator.Lte => "<=",
        FilterOperator.Gt => ">",
        FilterOperator.Gte => ">=",
        _ => throw new ArgumentOutOfRangeException(nameof(c)),
    };

    private static string Exists(string present, Condition c) => One<bool>(c) ? present : $"({present}) IS NOT TRUE";

    private static T One<T>(Condition c) => (T)c.Values[0];

    private static List<T> All<T>(Condition c) => [.. c.Values.Cast<T>()];
}

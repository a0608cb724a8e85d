namespace Mahavishnu.Search;

/// <summary>A filter as it was understood: what may be asked of a memory beyond the named fields of a search.</summary>
internal abstract record Filter
{
    /// <summary>Whether <paramref name="field"/> (a wire name) is asked about anywhere.</summary>
    public bool Mentions(string field) => this switch
    {
        AllOf all => all.Parts.Any(p => p.Mentions(field)),
        AnyOf any => any.Parts.Any(p => p.Mentions(field)),
        Not not => not.Inner.Mentions(field),
        Condition condition => condition.Field.Name == field,
        _ => false,
    };
}

internal sealed record AllOf(IReadOnlyList<Filter> Parts) : Filter;

internal sealed record AnyOf(IReadOnlyList<Filter> Parts) : Filter;

internal sealed record Not(Filter Inner) : Filter;

/// <param name="Values">One value; several for <see cref="FilterOperator.In"/>. Strings, times, UUIDs, <see cref="bool"/> or <see cref="JsonNumber"/>, as the field's kind allows.</param>
internal sealed record Condition(FilterField Field, FilterOperator Operator, IReadOnlyList<object> Values) : Filter;

/// <summary>A number as the caller wrote it: <c>0.1</c> stays a tenth, which a binary fraction is not.</summary>
internal sealed record JsonNumber(string Text);

internal enum FilterOperator
{
    Eq,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
    In,
    Contains,
    Exists,
}

internal enum FieldKind
{
    Text,
    Time,
    Id,

    /// <summary>A list of texts.</summary>
    List,

    /// <summary>A value within the metadata, of any JSON type.</summary>
    Json,
}

/// <param name="Name">Wire name; for a metadata value <c>metadata</c>.</param>
/// <param name="Path">Within the metadata; empty for other fields.</param>
internal sealed record FilterField(string Name, FieldKind Kind, IReadOnlyList<string> Path)
{
    public const string Metadata = "metadata";
    public const string SupersededBy = "supersededBy";

    /// <summary>Every field but the metadata's.</summary>
    public static IReadOnlyDictionary<string, FieldKind> Known { get; } = new Dictionary<string, FieldKind>(StringComparer.Ordinal)
    {
        ["id"] = FieldKind.Id,
        ["type"] = FieldKind.Text,
        ["source"] = FieldKind.Text,
        ["title"] = FieldKind.Text,
        ["content"] = FieldKind.Text,
        ["tags"] = FieldKind.List,
        ["projectId"] = FieldKind.Text,
        ["agentId"] = FieldKind.Text,
        ["workflowId"] = FieldKind.Text,
        ["repoId"] = FieldKind.Text,
        ["sessionId"] = FieldKind.Text,
        ["occurredAt"] = FieldKind.Time,
        ["createdAt"] = FieldKind.Time,
        ["updatedAt"] = FieldKind.Time,
        ["expiresAt"] = FieldKind.Time,
        [SupersededBy] = FieldKind.Id,
    };

    /// <summary>The operators that mean something for a kind of field.</summary>
    public static IReadOnlyList<FilterOperator> OperatorsOf(FieldKind kind) => kind switch
    {
        FieldKind.Id => [FilterOperator.Eq, FilterOperator.Ne, FilterOperator.In, FilterOperator.Exists],
        FieldKind.List => [FilterOperator.Contains, FilterOperator.In, FilterOperator.Exists],
        FieldKind.Time => [FilterOperator.Eq, FilterOperator.Ne, FilterOperator.Lt, FilterOperator.Lte, FilterOperator.Gt, FilterOperator.Gte, FilterOperator.In, FilterOperator.Exists],
        _ => Enum.GetValues<FilterOperator>(),
    };
}

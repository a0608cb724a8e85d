using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search;

/// <summary>Reads the filter language. Whatever is wrong is reported by its path, such as <c>filter.and[1].op</c>; nothing is guessed.</summary>
internal sealed class FilterParser(Action<string, string> error)
{
    private const int MaxDepth = 8;
    private const int MaxConditions = 100;
    private const int MaxValues = 1_000;
    private const int MaxKeyLength = 200;

    private int _conditions;

    // Wire names of the operators: eq, ne, lt, ….
    private static readonly Dictionary<string, FilterOperator> Operators =
        Enum.GetValues<FilterOperator>().ToDictionary(NameOf, StringComparer.Ordinal);

    /// <returns>Null after an error.</returns>
    public Filter? Parse(JsonElement json, string path) => Parse(json, path, depth: 1);

    private Filter? Parse(JsonElement json, string path, int depth)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return Fail(path, """The value must be {"and":[…]}, {"or":[…]}, {"not":…} or {"field":…,"op":…,"value":…}.""");
        }

        if (depth > MaxDepth)
        {
            return Fail(path, $"Filters may be nested {MaxDepth} deep, not deeper.");
        }

        var properties = json.EnumerateObject().ToList();
        return properties switch
        {
            [{ Name: "and" } only] => ParseList(only.Value, $"{path}.and", depth) is { } parts ? new AllOf(parts) : null,
            [{ Name: "or" } only] => ParseList(only.Value, $"{path}.or", depth) is { } parts ? new AnyOf(parts) : null,
            [{ Name: "not" } only] => Parse(only.Value, $"{path}.not", depth + 1) is { } inner ? new Not(inner) : null,
            _ => ParseCondition(json, properties, path),
        };
    }

    private List<Filter>? ParseList(JsonElement json, string path, int depth)
    {
        if (json.ValueKind != JsonValueKind.Array || json.GetArrayLength() == 0)
        {
            Fail(path, "The value must be a list of at least one filter.");
            return null;
        }

        var parts = json.EnumerateArray().Select((part, i) => Parse(part, $"{path}[{i}]", depth + 1)).ToList();
        return parts.Contains(null) ? null : [.. parts.OfType<Filter>()];
    }

    private Condition? ParseCondition(JsonElement json, List<JsonProperty> properties, string path)
    {
        if (++_conditions > MaxConditions)
        {
            return _conditions == MaxConditions + 1 ? Fail(path, $"A filter may have {MaxConditions} conditions, not more.") : null;
        }

        foreach (var stranger in properties.Where(p => p.Name is not ("field" or "op" or "value")))
        {
            return Fail($"{path}.{stranger.Name}", """This property does not exist here: a condition has "field", "op" and "value"; "and", "or" and "not" stand alone.""");
        }

        var field = ParseField(json, path);
        var operation = ParseOperator(json, field, path);
        return field is null || operation is null ? null : ParseValues(json, field, operation.Value, path) is { } values ? new Condition(field, operation.Value, values) : null;
    }

    private FilterField? ParseField(JsonElement json, string path)
    {
        if (!json.TryGetProperty("field", out var given) || given.ValueKind != JsonValueKind.String || Text(given) is not { } name)
        {
            Fail($"{path}.field", "The name of a field is required.");
            return null;
        }

        if (FilterField.Known.TryGetValue(name, out var kind))
        {
            return new FilterField(name, kind, []);
        }

        const string Prefix = FilterField.Metadata + ".";
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
        {
            Fail($"{path}.field", $"'{Shorten(name)}' is not a field; there are {string.Join(", ", FilterField.Known.Keys)} and metadata.<key>.");
            return null;
        }

        var keys = name[Prefix.Length..].Split('.');
        if (keys.Length > MemoryLimits.MetadataDepth || keys.Any(k => k.Length is 0 or > MaxKeyLength))
        {
            Fail($"{path}.field", $"A metadata field is metadata.<key>, at most {MemoryLimits.MetadataDepth} keys deep, each of 1 to {MaxKeyLength} characters.");
            return null;
        }

        return new FilterField(FilterField.Metadata, FieldKind.Json, keys);
    }

    private FilterOperator? ParseOperator(JsonElement json, FilterField? field, string path)
    {
        var known = field is null ? Enum.GetValues<FilterOperator>() : FilterField.OperatorsOf(field.Kind);
        var list = string.Join(", ", known.Select(NameOf));
        if (!json.TryGetProperty("op", out var given) || given.ValueKind != JsonValueKind.String || Text(given) is not { } name)
        {
            Fail($"{path}.op", $"An operator is required: {list}.");
            return null;
        }

        if (!Operators.TryGetValue(name, out var operation))
        {
            Fail($"{path}.op", $"'{Shorten(name)}' is not an operator; there are {list}.");
            return null;
        }

        if (!known.Contains(operation))
        {
            Fail($"{path}.op", $"'{name}' does not apply to {field!.Name}; what does: {list}.");
            return null;
        }

        return operation;
    }

    private List<object>? ParseValues(JsonElement json, FilterField field, FilterOperator operation, string path)
    {
        path += ".value";
        var given = json.TryGetProperty("value", out var value);
        if (operation == FilterOperator.Exists)
        {
            if (given && value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            {
                Fail(path, "The value must be true (the default) or false.");
                return null;
            }

            return [!given || value.GetBoolean()];
        }

        if (!given)
        {
            Fail(path, "A value is required.");
            return null;
        }

        // tags may be asked for several at once.
        var several = operation == FilterOperator.In || operation == FilterOperator.Contains && field.Kind == FieldKind.List && value.ValueKind == JsonValueKind.Array;
        if (!several)
        {
            return Scalar(value, field, operation, path) is { } one ? [one] : null;
        }

        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() is 0 or > MaxValues)
        {
            Fail(path, $"The value must be a list of 1 to {MaxValues} values.");
            return null;
        }

        var values = value.EnumerateArray().Select((v, i) => Scalar(v, field, operation, $"{path}[{i}]")).ToList();
        return values.Contains(null) ? null : [.. values.OfType<object>()];
    }

    private object? Scalar(JsonElement value, FilterField field, FilterOperator operation, string path)
    {
        var isText = value.ValueKind == JsonValueKind.String;
        switch (field.Kind)
        {
            case FieldKind.Text or FieldKind.List:
                return isText ? Text(value) ?? Fail<string>(path, "The text is not valid Unicode.") : Fail<string>(path, "The value must be a string.");
            case FieldKind.Time:
                return isText && WireTime.TryParse(Text(value), out var time) ? time : Fail<object>(path, "The value must be an ISO 8601 time such as 2026-01-31T12:00:00Z.");
            case FieldKind.Id:
                return isText && Guid.TryParse(Text(value), out var id) ? id : Fail<object>(path, "The value must be a UUID such as 0198c0de-0000-7000-8000-000000000000.");
            default:
                return Json(value, operation, path);
        }
    }

    private object? Json(JsonElement value, FilterOperator operation, string path) => value.ValueKind switch
    {
        JsonValueKind.String => Text(value) ?? Fail<string>(path, "The text is not valid Unicode."),
        // What no double can hold (1e999999) PostgreSQL's numeric may not hold either.
        JsonValueKind.Number when value.TryGetDouble(out var number) && double.IsFinite(number) && value.GetRawText().Length <= 400 => new JsonNumber(value.GetRawText()),
        JsonValueKind.Number => Fail<object>(path, "The number is out of range."),
        JsonValueKind.True or JsonValueKind.False when operation is FilterOperator.Lt or FilterOperator.Lte or FilterOperator.Gt or FilterOperator.Gte =>
            Fail<object>(path, "The value must be a number or a string: true and false have no order."),
        JsonValueKind.True or JsonValueKind.False => value.GetBoolean(),
        JsonValueKind.Null => Fail<object>(path, """The value must not be null; use "op":"exists"."""),
        _ => Fail<object>(path, "The value must be a string, a number, true or false."),
    };

    /// <summary>As stored texts are cleaned, so is what they are compared with.</summary>
    private static string? Text(JsonElement value)
    {
        try
        {
            return TextSanitizer.Clean(value.GetString()!);
        }
        catch (InvalidOperationException)
        {
            return null; // "\ud800": half a character
        }
    }

    private static string NameOf(FilterOperator operation) => JsonNamingPolicy.CamelCase.ConvertName(operation.ToString());

    private static string Shorten(string text) => text.Length <= 100 ? text : string.Concat(text.AsSpan(0, 100), "…");

    private Condition? Fail(string path, string message) => Fail<Condition>(path, message);

    private T? Fail<T>(string path, string message) where T : class
    {
        error(path, message);
        return null;
    }
}

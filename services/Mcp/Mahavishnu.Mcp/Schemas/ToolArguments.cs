using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

/// <summary>Arguments of a call as models send them, held to the schema that they were shown. Each complaint names the argument and says what it takes.</summary>
internal static class ToolArguments
{
    private static readonly Dictionary<string, string> Aliases = new(StringComparer.Ordinal) { ["top_k"] = "limit" };

    /// <returns>The arguments, or null where <paramref name="errors"/> says what is wrong with them.</returns>
    public static T? Read<T>(IDictionary<string, JsonElement> given, JsonElement schema, List<string> errors) where T : class
    {
        var arguments = new JsonObject();
        foreach (var (name, value) in given)
        {
            var target = Aliases.TryGetValue(name, out var meant) && schema.GetProperty("properties").TryGetProperty(meant, out _) ? meant : name;
            if (!arguments.TryAdd(target, Node(value)))
            {
                errors.Add($"{name}: the same as {target}, which is given too. Leave one of them out.");
            }
        }

        CheckObject(arguments, schema, "", errors);
        return errors.Count == 0 ? arguments.Deserialize<T>(WireSchema.Json) : null;
    }

    private static JsonNode? Node(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        JsonValueKind.Object => JsonObject.Create(value),
        JsonValueKind.Array => JsonArray.Create(value),
        _ => JsonValue.Create(value),
    };

    private static void CheckObject(JsonObject value, JsonElement schema, string path, List<string> errors)
    {
        var properties = schema.GetProperty("properties");
        foreach (var name in value.Select(p => p.Key).ToList())
        {
            if (!properties.TryGetProperty(name, out var property))
            {
                errors.Add($"{path}{name}: there is no such argument; there are {string.Join(", ", properties.EnumerateObject().Select(p => p.Name))}.");
            }
            else if (IsAbsent(name, value[name], property))
            {
                value.Remove(name);
            }
            else
            {
                Check(value[name]!, property, path + name, errors);
            }
        }

        foreach (var name in schema.TryGetProperty("required", out var required) ? required.EnumerateArray().Select(r => r.GetString()!) : [])
        {
            if (!value.ContainsKey(name))
            {
                errors.Add($"{path}{name}: is required. {Expected(properties.GetProperty(name))}");
            }
        }
    }

    /// <summary>Many clients fill in every argument: null and "" stand for nothing. So does "null", where the value is no free text.</summary>
    private static bool IsAbsent(string name, JsonNode? value, JsonElement schema)
    {
        if (value is null)
        {
            return true;
        }

        var isName = name.EndsWith("Id", StringComparison.Ordinal) || name == "id" || schema.TryGetProperty("enum", out _) || schema.TryGetProperty("format", out _);
        return value is JsonValue text && text.TryGetValue(out string? word)
            && (string.IsNullOrWhiteSpace(word) || isName && word.Trim().Equals("null", StringComparison.OrdinalIgnoreCase));
    }

    private static void Check(JsonNode value, JsonElement schema, string path, List<string> errors)
    {
        var fits = !schema.TryGetProperty("type", out var type) || type.GetString() switch
        {
            "string" => value is JsonValue v && v.TryGetValue(out string? text) && FitsText(text, schema),
            "integer" => value is JsonValue v && v.TryGetValue(out JsonElement e) && e.ValueKind == JsonValueKind.Number && e.TryGetInt64(out var whole) && FitsRange(whole, schema),
            "number" => value is JsonValue v && v.TryGetValue(out JsonElement e) && e.ValueKind == JsonValueKind.Number && e.TryGetDouble(out var number) && FitsRange(number, schema),
            "boolean" => value.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
            "array" => value is JsonArray items && FitsCount(items.Count, schema),
            "object" => value is JsonObject,
            _ => true,
        };
        if (!fits)
        {
            errors.Add($"{path}: {Expected(schema)}");
        }
        else if (value is JsonArray items && schema.TryGetProperty("items", out var item))
        {
            foreach (var (i, element) in items.Index())
            {
                if (element is null)
                {
                    errors.Add($"{path}[{i}]: {Expected(item)}");
                }
                else
                {
                    Check(element, item, FormattableString.Invariant($"{path}[{i}]"), errors);
                }
            }
        }
        else if (value is JsonObject inner && schema.TryGetProperty("properties", out _))
        {
            CheckObject(inner, schema, path + '.', errors);
        }
    }

    private static bool FitsText(string text, JsonElement schema) =>
        (!schema.TryGetProperty("enum", out var words) || words.EnumerateArray().Any(w => w.ValueEquals(text)))
        && (!schema.TryGetProperty("format", out var format) || format.GetString() switch
        {
            "uuid" => Guid.TryParseExact(text, "D", out var id) && id != Guid.Empty,
            "date-time" => WireTime.TryParse(text, out _),
            _ => true,
        });

    private static bool FitsRange(double number, JsonElement schema) =>
        (!schema.TryGetProperty("minimum", out var least) || number >= least.GetDouble()) && (!schema.TryGetProperty("maximum", out var most) || number <= most.GetDouble());

    private static bool FitsCount(int count, JsonElement schema) =>
        !schema.TryGetProperty("minItems", out var least) || count >= least.GetInt32();

    /// <summary>The schema in words.</summary>
    private static string Expected(JsonElement schema)
    {
        string? Value(string name) => schema.TryGetProperty(name, out var value) ? value.ToString() : null;

        return Value("type") switch
        {
            "string" when schema.TryGetProperty("enum", out var words) => $"The value must be one of {string.Join(", ", words.EnumerateArray().Select(w => w.GetString()))}.",
            "string" when Value("format") == "uuid" => "The value must be a UUID such as 0198c0de-0000-7000-8000-000000000000; leave it out if there is none.",
            "string" when Value("format") == "date-time" => "The value must be an ISO 8601 time such as 2026-01-31T12:00:00Z.",
            "string" => "The value must be a text.",
            "integer" or "number" => string.Create(
                CultureInfo.InvariantCulture, $"The value must be a {(Value("type") == "integer" ? "whole " : "")}number from {Value("minimum")} to {Value("maximum")}."),
            "boolean" => "The value must be true or false.",
            "array" => $"The value must be a list{(Value("minItems") is { } least ? $" of at least {least}" : "")}; of each item: {Expected(schema.GetProperty("items"))}",
            _ => "The value must be an object.",
        };
    }
}

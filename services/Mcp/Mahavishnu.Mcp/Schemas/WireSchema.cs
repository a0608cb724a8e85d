using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

/// <summary>
/// JSON schemas of the records that tools take and give. What an attribute says of a property is what clients are told and what calls are held to; how
/// long a name may be is for REST to say, as every word here is paid for by every session.
/// </summary>
internal static class WireSchema
{
    /// <summary>The wire's JSON without nulls: an agent pays for every token of an answer.</summary>
    public static JsonSerializerOptions Json { get; } = Create();

    public static JsonElement Of<T>()
    {
        var schema = Json.GetJsonSchemaAsNode(typeof(T), new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Describe });
        return JsonSerializer.SerializeToElement(schema);
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(WireJson.Lenient) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectRequiredConstructorParameters = true };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }

    private static JsonNode Describe(JsonSchemaExporterContext context, JsonNode node)
    {
        var type = Nullable.GetUnderlyingType(context.TypeInfo.Type) ?? context.TypeInfo.Type;
        var schema = node as JsonObject ?? [];
        if (type == typeof(DateTimeOffset))
        {
            schema = new JsonObject { ["type"] = "string", ["format"] = "date-time" };
        }
        else if (type == typeof(JsonElement))
        {
            schema = new JsonObject { ["type"] = "object" };
        }
        else if (schema["type"] is JsonArray types && types.Select(t => (string?)t).FirstOrDefault(t => t != "null") is { } only)
        {
            // An optional property is left out, never null.
            schema["type"] = only;
        }

        if (schema["required"] is JsonArray required)
        {
            // What may be null is left out when it is: an explanation has no rank in an arm that did not find the hit.
            var nullable = context.TypeInfo.Properties.Where(p => p.IsGetNullable).Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
            required.RemoveAll(name => nullable.Contains((string)name!));
        }

        if (context.PropertyInfo?.AttributeProvider is { } property)
        {
            Constrain(schema, property);
        }

        return schema;
    }

    private static void Constrain(JsonObject schema, ICustomAttributeProvider property)
    {
        // What applies to a list applies to each of its items.
        var value = schema["items"] as JsonObject ?? schema;
        foreach (var attribute in property.GetCustomAttributes(inherit: true))
        {
            switch (attribute)
            {
                case DescriptionAttribute description:
                    schema["description"] = description.Description;
                    break;
                case AllowedValuesAttribute allowed:
                    value["enum"] = new JsonArray([.. allowed.Values.Select(v => (JsonNode)(string)v!)]);
                    break;
                case RangeAttribute range:
                    value["minimum"] = Number(range.Minimum);
                    value["maximum"] = Number(range.Maximum);
                    break;
                case MinLengthAttribute least:
                    schema["minItems"] = least.Length;
                    break;
                default:
                    break;
            }
        }
    }

    private static JsonNode Number(object bound) => bound is int whole ? whole : Convert.ToDouble(bound, CultureInfo.InvariantCulture);
}

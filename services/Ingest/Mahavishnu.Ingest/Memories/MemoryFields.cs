using System.Globalization;
using System.Text;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>What each field of a memory may hold. A value comes back clean (storable); what is wrong with it is said under its name.</summary>
internal static class MemoryFields
{
    // Within these a time survives PostgreSQL (whose infinities are .NET's extremes) and every client.
    private const int FirstYear = 2;
    private const int LastYear = 9998;

    // What a double holds; beyond it numbers come back changed or not at all, and 1e100000 would be stored digit by digit.
    private const int MostExponent = 308;

    public static Guid? Id(string? given, FieldErrors errors, string field = "id")
    {
        if (given is null)
        {
            return null;
        }

        if (Guid.TryParseExact(given, "D", out var id) && id != Guid.Empty)
        {
            return id;
        }

        errors.Add(field, "The value must be a UUID such as 0198c0de-0000-7000-8000-000000000000.");
        return null;
    }

    public static string Type(string? given, FieldErrors errors)
    {
        if (given is not null && !MemoryTypes.All.Contains(given, StringComparer.Ordinal))
        {
            errors.Add("type", $"The value must be one of {string.Join(", ", MemoryTypes.All)}.");
        }

        return given ?? MemoryTypes.Agent;
    }

    public static string Content(string? given, FieldErrors errors)
    {
        if (given is null)
        {
            errors.Add("content", "A value is required.");
            return "";
        }

        var content = TextSanitizer.Clean(given);
        if (string.IsNullOrWhiteSpace(content))
        {
            errors.Add("content", "The value must not be blank.");
        }
        else if (content.Length > MemoryLimits.ContentBytes / 3 && Encoding.UTF8.GetByteCount(content) is > MemoryLimits.ContentBytes and var bytes)
        {
            errors.Add("content", string.Create(CultureInfo.InvariantCulture, $"The value has {bytes:N0} bytes of UTF-8; at most {MemoryLimits.ContentBytes:N0} are allowed."));
        }

        return content;
    }

    /// <summary>An id, a source or a title: optional, but never blank.</summary>
    public static string? Name(string field, string? given, FieldErrors errors)
    {
        if (given is null)
        {
            return null;
        }

        var name = TextSanitizer.Clean(given);
        if (string.IsNullOrWhiteSpace(name))
        {
            errors.Add(field, "The value must not be blank; leave it out instead.");
        }
        else if (name.Length > MemoryLimits.NameLength)
        {
            errors.Add(field, string.Create(CultureInfo.InvariantCulture, $"The value has {name.Length:N0} characters; at most {MemoryLimits.NameLength} are allowed."));
        }

        return name;
    }

    public static IReadOnlyList<string> Tags(IReadOnlyList<string?>? given, FieldErrors errors)
    {
        if (given is null or [])
        {
            return [];
        }

        if (given.Count > MemoryLimits.Tags)
        {
            errors.Add("tags", string.Create(CultureInfo.InvariantCulture, $"There are {given.Count:N0} tags; at most {MemoryLimits.Tags} are allowed."));
            return [];
        }

        var tags = new List<string>(given.Count);
        for (var i = 0; i < given.Count; i++)
        {
            var field = string.Create(CultureInfo.InvariantCulture, $"tags[{i}]");
            var tag = TextSanitizer.Clean(given[i] ?? "");
            if (string.IsNullOrWhiteSpace(tag))
            {
                errors.Add(field, "A tag must not be blank.");
            }
            else if (tag.Length > MemoryLimits.TagLength)
            {
                errors.Add(field, string.Create(CultureInfo.InvariantCulture, $"A tag has at most {MemoryLimits.TagLength} characters; this one has {tag.Length:N0}."));
            }
            else if (!tags.Contains(tag, StringComparer.Ordinal))
            {
                tags.Add(tag);
            }
        }

        return tags;
    }

    public static string Metadata(JsonElement? given, FieldErrors errors)
    {
        const string Field = "metadata";
        if (given is not { } metadata || metadata.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
        {
            return "{}";
        }

        if (metadata.ValueKind != JsonValueKind.Object)
        {
            errors.Add(Field, "The value must be an object.");
            return "{}";
        }

        return Json(Field, given, MemoryLimits.MetadataBytes, MemoryLimits.MetadataDepth, errors) ?? "{}";
    }

    /// <summary>Any JSON: optional, within a size and a depth.</summary>
    public static string? Json(string field, JsonElement? given, int mostBytes, int mostDepth, FieldErrors errors)
    {
        if (given is not { } json || json.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
        {
            return null;
        }

        var said = new List<string>();
        Look(json, 1, mostDepth, field, said);
        if (said is [var first, ..])
        {
            errors.Add(field, first);
            return null;
        }

        var clean = TextSanitizer.CleanJson(json);
        if (clean.Length > mostBytes / 3 && Encoding.UTF8.GetByteCount(clean) > mostBytes
            && JsonSerializer.SerializeToUtf8Bytes(JsonElement.Parse(clean), WireJson.Strict).Length is var bytes && bytes > mostBytes)
        {
            errors.Add(field, string.Create(CultureInfo.InvariantCulture, $"The value has {bytes:N0} bytes; at most {mostBytes:N0} are allowed."));
        }

        return clean;
    }

    public static DateTimeOffset? Time(string field, DateTimeOffset? given, FieldErrors errors)
    {
        if (given is { Year: < FirstYear or > LastYear })
        {
            errors.Add(field, $"The year must be between {FirstYear} and {LastYear}.");
        }

        return given;
    }

    private static void Look(JsonElement element, int depth, int mostDepth, string path, List<string> said)
    {
        if (said.Count > 0)
        {
            return;
        }

        switch (element.ValueKind)
        {
            case JsonValueKind.Object or JsonValueKind.Array when depth > mostDepth:
                said.Add(string.Create(CultureInfo.InvariantCulture, $"Objects and lists may be nested {mostDepth} deep; {path} is deeper."));
                break;
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    Look(property.Value, depth + 1, mostDepth, $"{path}.{property.Name}", said);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                {
                    Look(item, depth + 1, mostDepth, $"{path}[]", said);
                }

                break;
            case JsonValueKind.Number when !Fits(element.GetRawText()):
                said.Add($"The number at {path} is outside the range of a 64-bit floating-point number.");
                break;
        }
    }

    private static bool Fits(string number)
    {
        if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value))
        {
            return false;
        }

        // 1e-100000 is zero as a double, and a hundred thousand digits in PostgreSQL.
        var e = number.AsSpan().IndexOfAny('e', 'E');
        return e < 0 || (int.TryParse(number.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent) && Math.Abs(exponent) <= MostExponent);
    }
}

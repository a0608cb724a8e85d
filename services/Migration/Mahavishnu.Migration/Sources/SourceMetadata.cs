using System.Text;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>The metadata of a source row: its keys are kept as they are, what its columns say is added. What is no JSON object is kept as the text it is.</summary>
internal sealed class SourceMetadata
{
    /// <summary>Holds, as text, what is not a JSON object, or not one that can be stored.</summary>
    public const string RawKey = "metadata_raw";

    /// <summary>Holds the source's own values of keys that a column has, too.</summary>
    public const string OwnKey = "source_metadata";

    /// <summary>Names what was too big for metadata: it is in the provenance.</summary>
    public const string KeptKey = "kept_in_provenance";

    // What may stay when the whole is too big.
    private const int LongestOfTooMany = 4_096;

    private readonly JsonElement? _own;
    private readonly List<(string Key, object Value)> _added = [];

    public SourceMetadata(string? raw)
    {
        if (raw is null)
        {
            return;
        }

        var text = SourceText.Clean(raw);
        (_own, var whole) = Read(text);
        if (!whole)
        {
            _added.Add((RawKey, text));
        }
    }

    public string? Text(string key) =>
        _own is { } own && own.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public JsonElement? this[string key] => _own is { } own && own.TryGetProperty(key, out var value) ? value : null;

    /// <summary>The keys that are not named, as values for <see cref="Add"/>.</summary>
    public IEnumerable<(string Key, object Value)> Others(params IReadOnlyCollection<string> keys)
    {
        if (_own is not { } own)
        {
            return _added;
        }

        return _added.Concat(own.EnumerateObject().Where(p => !keys.Contains(p.Name, StringComparer.Ordinal) && p.Value.ValueKind != JsonValueKind.Null)
            .Select(p => (p.Name, (object)new JsonDocumentText(p.Value.GetRawText()))));
    }

    /// <param name="key">As the source's column is called.</param>
    /// <param name="value">As <see cref="JsonText.WriteValue"/> takes it; nothing is added for null.</param>
    public SourceMetadata Add(string key, object? value)
    {
        if (value is not null and not SourceTime { Utc: null, Raw: null } && !IsOwn(key, value))
        {
            _added.Add((key, value));
        }

        return this;
    }

    /// <summary>The document, and what of it has to go into the provenance.</summary>
    public (string Metadata, IReadOnlyList<(string Key, object Value)> Kept) Build()
    {
        var own = _own?.GetRawText();
        var document = Join(own, _added);
        if (document.Length <= MemoryLimits.MetadataBytes / 3 || Encoding.UTF8.GetByteCount(document) <= MemoryLimits.MetadataBytes)
        {
            return (document, []);
        }

        var kept = _added.Where(a => a.Value is string { Length: > LongestOfTooMany }).ToList();
        var left = _added.Except(kept).ToList();
        if (own is not null && Encoding.UTF8.GetByteCount(Join(own, left)) > MemoryLimits.MetadataBytes - LongestOfTooMany)
        {
            kept.Insert(0, ("metadata", new JsonDocumentText(own)));
            own = null;
        }

        left.Add((KeptKey, kept.Select(k => k.Key).ToList()));
        return (Join(own, left), kept);
    }

    /// <summary>The document, however big.</summary>
    public string BuildWhole() => Join(_own?.GetRawText(), _added);

    /// <summary>Of two equal keys jsonb takes the last: what was added.</summary>
    private string Join(string? own, List<(string Key, object Value)> added)
    {
        if (added.Count == 0)
        {
            return own ?? "{}";
        }

        var more = JsonText.Write(json =>
        {
            json.WriteStartObject();
            var met = own is null ? [] : added.Where(a => _own!.Value.TryGetProperty(a.Key, out var value) && value.ValueKind != JsonValueKind.Null).Select(a => a.Key).ToList();
            if (met.Count > 0)
            {
                json.WriteStartObject(OwnKey);
                foreach (var key in met)
                {
                    json.WritePropertyName(key);
                    _own!.Value.GetProperty(key).WriteTo(json);
                }

                json.WriteEndObject();
            }

            foreach (var (key, value) in added)
            {
                json.WritePropertyName(TextSanitizer.Clean(key));
                JsonText.WriteValue(json, value);
            }

            json.WriteEndObject();
        });
        return own is null or "{}" ? more : string.Concat(own.AsSpan().TrimEnd()[..^1], ",", more.AsSpan(1));
    }

    private bool IsOwn(string key, object value) =>
        this[key] is { } own && value switch
        {
            string text => own.ValueKind == JsonValueKind.String && own.GetString() == text,
            JsonNumber number => own.ValueKind == JsonValueKind.Number && own.GetRawText() == number.Text,
            bool flag => own.ValueKind == (flag ? JsonValueKind.True : JsonValueKind.False),
            _ => false,
        };

    /// <returns>The object, and whether it says all that the text does.</returns>
    private static (JsonElement? Own, bool Whole) Read(string text)
    {
        var whole = true;
        if (Parse(text) is not { } root)
        {
            whole = false;
            // {"score": NaN}: Python writes it, no JSON has it.
            if (JsonRepair.WithoutNumbersThatAreNone(text) is not { } repaired || Parse(repaired) is not { } mended)
            {
                return (null, false);
            }

            root = mended;
        }

        // "{\"a\":1}": encoded twice.
        if (root.ValueKind == JsonValueKind.String && Parse(root.GetString()!) is { ValueKind: JsonValueKind.Object } inner)
        {
            root = inner;
        }

        return root.ValueKind == JsonValueKind.Object && CanBeStored(root, 1) ? (root, whole) : (null, false);
    }

    private static JsonElement? Parse(string text)
    {
        try
        {
            var root = JsonElement.Parse(text);
            var clean = TextSanitizer.CleanJson(root);
            return clean == text ? root : JsonElement.Parse(clean);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether a memory's metadata may be so deep, and its numbers so large.</summary>
    private static bool CanBeStored(JsonElement element, int depth) => element.ValueKind switch
    {
        JsonValueKind.Object => depth <= MemoryLimits.MetadataDepth && element.EnumerateObject().All(p => CanBeStored(p.Value, depth + 1)),
        JsonValueKind.Array => depth <= MemoryLimits.MetadataDepth && element.EnumerateArray().All(i => CanBeStored(i, depth + 1)),
        JsonValueKind.Number => JsonText.Fits(element.GetRawText()),
        _ => true,
    };
}

/// <summary>Mends the one mistake that Python's JSON makes.</summary>
internal static class JsonRepair
{
    private static readonly string[] NoNumbers = ["-Infinity", "Infinity", "NaN"];

    /// <summary>With null for NaN and the infinities; null where there are none.</summary>
    public static string? WithoutNumbersThatAreNone(string text)
    {
        var mended = new StringBuilder(text.Length);
        var found = false;
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (!quoted && Array.Find(NoNumbers, n => string.CompareOrdinal(text, i, n, 0, n.Length) == 0) is { } word)
            {
                mended.Append("null");
                i += word.Length - 1;
                found = true;
                continue;
            }

            quoted ^= text[i] == '"';
            mended.Append(text[i]);
            if (quoted && text[i] == '\\' && i + 1 < text.Length)
            {
                mended.Append(text[++i]);
            }
        }

        return found ? mended.ToString() : null;
    }
}

using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mahavishnu.Storage;

/// <summary>Makes any text one that PostgreSQL can store: U+0000 is dropped, a lone surrogate becomes U+FFFD. Everything else stays as it is.</summary>
public static class TextSanitizer
{
    public static string Clean(string text)
    {
        var bad = FirstBad(text);
        if (bad < 0)
        {
            return text;
        }

        var clean = new StringBuilder(text.Length).Append(text, 0, bad);
        for (var i = bad; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\0')
            {
                continue;
            }

            if (!char.IsSurrogate(c))
            {
                clean.Append(c);
            }
            else if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                clean.Append(c).Append(text[++i]);
            }
            else
            {
                clean.Append('\uFFFD');
            }
        }

        return clean.ToString();
    }

    /// <summary>A JSON document with every name and string cleaned, as compact text for a jsonb column.</summary>
    /// <remarks>jsonb refuses <c>\u0000</c> and lone surrogates even as escapes.</remarks>
    public static string CleanJson(JsonElement json)
    {
        var raw = json.GetRawText();
        if (!raw.Contains("\\u", StringComparison.Ordinal) && FirstBad(raw) < 0)
        {
            return raw;
        }

        return Clean(JsonNode.Parse(raw))?.ToJsonString() ?? "null";
    }

    private static JsonNode? Clean(JsonNode? node) => node switch
    {
        JsonObject o => new JsonObject(o.GroupBy(p => Clean(p.Key), StringComparer.Ordinal).Select(g => KeyValuePair.Create(g.Key, Clean(g.Last().Value)))),
        JsonArray a => new JsonArray([.. a.Select(Clean)]),
        JsonValue v when v.GetValueKind() == JsonValueKind.String => JsonValue.Create(Clean(StringOf(v))),
        null => null,
        _ => node.DeepClone(),
    };

    private static string StringOf(JsonValue value)
    {
        try
        {
            return value.GetValue<string>();
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate escape ("\ud800") has no string value; its raw text, cleaned, keeps what was said.
            return value.ToJsonString().Trim('"');
        }
    }

    private static int FirstBad(string text)
    {
        for (var i = text.AsSpan().IndexOfAny(Suspects); i >= 0 && i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\0')
            {
                return i;
            }

            if (char.IsSurrogate(c))
            {
                if (!char.IsHighSurrogate(c) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
                {
                    return i;
                }

                i++;
            }
        }

        return -1;
    }

    private static readonly System.Buffers.SearchValues<char> Suspects =
        System.Buffers.SearchValues.Create([.. Enumerable.Range(0xD800, 0x800).Select(c => (char)c), '\0']);
}

using System.Globalization;
using System.Text;
using System.Text.Json;

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

    /// <summary>A JSON document with every name and string cleaned, as text for a jsonb column.</summary>
    /// <remarks>jsonb refuses <c>\u0000</c> and lone surrogates even as escapes. They are looked for in the text itself: JSON readers refuse the latter, too, and would change numbers.</remarks>
    public static string CleanJson(JsonElement json)
    {
        var raw = Clean(json.GetRawText());
        var escape = raw.IndexOf('\\', StringComparison.Ordinal);
        if (escape < 0)
        {
            return raw;
        }

        var clean = new StringBuilder(raw.Length).Append(raw, 0, escape);
        for (var i = escape; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                clean.Append(raw[i]);
            }
            else if (raw[i + 1] != 'u')
            {
                clean.Append(raw[i]).Append(raw[++i]); // \" \\ \n …
            }
            else
            {
                // \ud83d\ude00
                var c = Escaped(raw, i);
                if (char.IsHighSurrogate(c) && char.IsLowSurrogate(Escaped(raw, i + EscapeLength)))
                {
                    clean.Append(raw, i, 2 * EscapeLength);
                    i += EscapeLength;
                }
                else if (c != '\0')
                {
                    clean.Append(char.IsSurrogate(c) ? "\\ufffd" : raw.AsSpan(i, EscapeLength));
                }

                i += EscapeLength - 1;
            }
        }

        return clean.ToString();
    }

    /// <summary>UTF-8 that may hold surrogates one by one, as Python's <c>surrogatepass</c> writes it. Two that belong together become one character; what is no UTF-8 at all becomes U+FFFD.</summary>
    public static string FromSurrogatePass(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        var start = 0;
        for (var i = 0; i + 2 < bytes.Length; i++)
        {
            // ED A0 BD ED B8 80: the halves of U+1F600.
            if (bytes[i] == 0xED && bytes[i + 1] is >= 0xA0 and <= 0xBF && bytes[i + 2] is >= 0x80 and <= 0xBF)
            {
                text.Append(Encoding.UTF8.GetString(bytes[start..i])).Append((char)(0xD000 | ((bytes[i + 1] & 0x3F) << 6) | (bytes[i + 2] & 0x3F)));
                i += 2;
                start = i + 1;
            }
        }

        return text.Append(Encoding.UTF8.GetString(bytes[start..])).ToString();
    }

    private const int EscapeLength = 6;

    /// <summary>The character of the escape at <paramref name="index"/>; U+0000 where there is none.</summary>
    private static char Escaped(string json, int index) =>
        index + EscapeLength <= json.Length && json[index] == '\\' && json[index + 1] == 'u'
            ? (char)int.Parse(json.AsSpan(index + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : '\0';

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

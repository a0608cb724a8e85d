using Mahavishnu.Storage;

namespace Mahavishnu.Migration;

/// <summary>What the source's texts are once they can be stored. Nothing is trimmed or folded: the hash is of what comes out here.</summary>
internal static class SourceText
{
    // "__SB64__bG9uZSBzdXJyb2dhdGU=": how Session-Buddy stores a text that its database refuses, base64 of UTF-8 with lone surrogates.
    private const string Encoded = "__SB64__";

    public static string Clean(string text) => TextSanitizer.Clean(Decode(text));

    /// <summary>As an id, a name or a tag; null where there is nothing.</summary>
    public static string? Name(string? text) => text is null || Clean(text) is not { } clean || string.IsNullOrWhiteSpace(clean) ? null : clean.Trim();

    private static string Decode(string text)
    {
        if (!text.StartsWith(Encoded, StringComparison.Ordinal))
        {
            return text;
        }

        var bytes = new byte[text.Length];
        return Convert.TryFromBase64Chars(text.AsSpan(Encoded.Length), bytes, out var length) ? TextSanitizer.FromSurrogatePass(bytes.AsSpan(0, length)) : text;
    }

    /// <summary>Session-Buddy names a project by its name or by its folder's path; here it is one project.</summary>
    public static string? Project(string? text)
    {
        var name = Name(text);
        if (name is null)
        {
            return null;
        }

        var folder = name.TrimEnd('/', '\\');
        var last = folder[(folder.LastIndexOfAny(['/', '\\']) + 1)..].Trim();
        return last.Length == 0 ? name : last;
    }
}

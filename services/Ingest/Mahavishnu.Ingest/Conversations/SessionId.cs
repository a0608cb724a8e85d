using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Ingest;

/// <summary>The name of a conversation as it stands in a path.</summary>
internal static class SessionId
{
    public static string Read(string given, FieldErrors errors)
    {
        // Everything else has been decoded; a slash would have looked like the end of the segment.
        var name = MemoryFields.Name("sessionId", given.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase), errors)!;
        if (name is "null" or "undefined")
        {
            errors.Add("sessionId", $"The value '{name}' is what a client sends that has no id; name the session.");
        }

        return name;
    }
}

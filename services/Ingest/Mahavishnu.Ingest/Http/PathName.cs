using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Ingest;

/// <summary>A name that somebody chose, as it stands in a path.</summary>
internal static class PathName
{
    public static string Read(string field, string given, FieldErrors errors)
    {
        // Everything else has been decoded; a slash would have looked like the end of the segment.
        var name = MemoryFields.Name(field, given.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase), errors)!;
        if (name is "null" or "undefined")
        {
            errors.Add(field, $"The value '{name}' is what a client sends that has no id.");
        }

        return name;
    }
}

using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>What each field of a project, and of what connects projects, may hold.</summary>
internal static class ProjectFields
{
    /// <summary>A description, a reason or a context: optional, and may be empty.</summary>
    public static string? Text(string field, string? given, FieldErrors errors)
    {
        if (given is null)
        {
            return null;
        }

        var text = TextSanitizer.Clean(given).Trim();
        if (text.Length > ProjectLimits.Text)
        {
            errors.Add(field, string.Create(CultureInfo.InvariantCulture, $"The value has {text.Length:N0} characters; at most {ProjectLimits.Text:N0} are allowed."));
        }

        return text;
    }

    /// <summary>Ids, each once.</summary>
    public static IReadOnlyList<string> Ids(string field, IReadOnlyList<string?>? given, FieldErrors errors)
    {
        if (given is { Count: > ProjectLimits.Members })
        {
            errors.Add(field, string.Create(CultureInfo.InvariantCulture, $"There are {given.Count:N0} values; at most {ProjectLimits.Members:N0} are allowed."));
            return [];
        }

        return [.. (given ?? []).Select((id, i) => Required(string.Create(CultureInfo.InvariantCulture, $"{field}[{i}]"), id, errors)).Distinct(StringComparer.Ordinal)];
    }

    public static string Required(string field, string? given, FieldErrors errors)
    {
        if (given is null)
        {
            errors.Add(field, "A value is required.");
        }

        return MemoryFields.Name(field, given, errors) ?? "";
    }
}

using System.Globalization;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;

namespace Mahavishnu.ServiceDefaults;

/// <summary>
/// Holds every setting against docs/configuration.md, whoever said it and whichever service it is for: a deployment gives all its services the same
/// environment, and what one of them would stumble over, or nobody reads, is told by each at its start.
/// </summary>
internal static class SettingsCheck
{
    /// <summary>Variables that only this program has a use for; of the others that it reads, the sections are its own.</summary>
    private const string OwnVariables = "MAHAVISHNU_PG_";

    /// <summary>Sections that others have keys in, too.</summary>
    private static readonly string[] Shared = ["ConnectionStrings", "Kestrel", "Logging", "services"];

    private static readonly HashSet<string> Sections = new(
        SettingKeys.All.Where(s => s.Name.Contains(':', StringComparison.Ordinal)).Select(s => s.Name.Split(':')[0]).Except(Shared, StringComparer.Ordinal), StringComparer.OrdinalIgnoreCase);

    /// <exception cref="SettingsException">Keys that mean nothing, or values that cannot be meant: a line each.</exception>
    public static void Run(IConfigurationRoot configuration)
    {
        var wrong = configuration.AsEnumerable()
            .Where(s => !string.IsNullOrWhiteSpace(s.Value))
            .OrderBy(s => s.Key, StringComparer.OrdinalIgnoreCase)
            .Select(s => Complaint(configuration, s.Key, s.Value!))
            .OfType<string>()
            .ToList();
        if (wrong.Count > 0)
        {
            throw new SettingsException(string.Join('\n', wrong));
        }
    }

    private static string? Complaint(IConfigurationRoot configuration, string key, string value) => SettingKeys.Find(key) switch
    {
        null when IsOwn(key) => $"{Told(configuration, key)} is not known; {SettingKeys.Near(key)} docs/configuration.md lists every key.",
        { } setting when !Takes(setting.Allowed, value.Trim()) => $"{Told(configuration, key)}: '{value}' is not {setting.Allowed}.",
        _ => null,
    };

    private static bool IsOwn(string key) =>
        key.StartsWith(OwnVariables, StringComparison.OrdinalIgnoreCase) || (key.Contains(':', StringComparison.Ordinal) && Sections.Contains(key.Split(':')[0]));

    private static string Told(IConfigurationRoot configuration, string key) =>
        EffectiveSettings.Origin(configuration, key) is { } origin ? $"{key} ({origin})" : key;

    /// <summary>Whether the words of the page let the value pass. Those that leave it to the code that reads the setting do.</summary>
    internal static bool Takes(string allowed, string value)
    {
        // "a whole number from 10 to 1000", "a number from 0", "one of json, text", "true or false"
        if (allowed == "true or false")
        {
            return bool.TryParse(value, out _);
        }

        if (allowed.StartsWith("one of ", StringComparison.Ordinal) && allowed.Contains(',', StringComparison.Ordinal))
        {
            return allowed[7..].Split(", ").Contains(value, StringComparer.OrdinalIgnoreCase);
        }

        if (allowed.IndexOf("number from ", StringComparison.Ordinal) is var at and >= 0)
        {
            var range = allowed[(at + 12)..].Split(" to ");
            var style = allowed.StartsWith("a whole ", StringComparison.Ordinal) ? NumberStyles.AllowLeadingSign : NumberStyles.Float;
            return double.TryParse(value, style, CultureInfo.InvariantCulture, out var number)
                && number >= Bound(range[0]) && (range.Length == 1 || number <= Bound(range[1]));
        }

        return true;
    }

    private static double Bound(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}

using System.Text.RegularExpressions;

namespace Mahavishnu.ServiceDefaults;

/// <summary>A setting as docs/configuration.md has it.</summary>
/// <param name="Name"><c>Search:EfSearch</c>; one that ends with <c>*</c> stands for everything that begins so.</param>
/// <param name="Default">Null: none.</param>
/// <param name="Allowed">The values it takes, in words.</param>
public sealed record SettingKey(string Name, string? Default, string Allowed, string Description)
{
    /// <summary>Whether it stands for many keys, whose names somebody else gives.</summary>
    public bool IsOpen => Name.EndsWith('*');

    /// <summary>Whether its values are numbered: <c>Edge:AllowedHosts:0</c>.</summary>
    public bool IsList => Allowed.StartsWith("list", StringComparison.Ordinal);

    /// <summary>Whether <paramref name="key"/> is this setting.</summary>
    public bool Covers(string key) =>
        IsOpen ? key.StartsWith(Name[..^1], StringComparison.OrdinalIgnoreCase)
        : IsList && key.Length > Name.Length ? key.StartsWith(Name + ':', StringComparison.OrdinalIgnoreCase) && key.AsSpan(Name.Length + 1).IndexOfAnyExceptInRange('0', '9') < 0
        : key.Equals(Name, StringComparison.OrdinalIgnoreCase);
}

/// <summary>Every setting there is. The page that people read is the list that a settings file is checked against; a test holds the page to the options classes.</summary>
public static partial class SettingKeys
{
    private const string Page = "configuration.md";

    /// <summary>In the order of the page.</summary>
    public static IReadOnlyList<SettingKey> All { get; } = Read();

    /// <summary>The setting that a configuration key belongs to; null for a key that means nothing here.</summary>
    public static SettingKey? Find(string key) => All.FirstOrDefault(s => s.Covers(key));

    /// <summary>What could have been meant: the settings of the key's section, or every section there is; and the one that is spelled almost so.</summary>
    internal static string Near(string key)
    {
        var section = key.Contains(':', StringComparison.Ordinal) ? key[..(key.LastIndexOf(':') + 1)] : null;
        var near = section is null ? [] : All.Where(s => s.Name.StartsWith(section, StringComparison.OrdinalIgnoreCase)).Select(s => s.Name[section.Length..]).ToList();
        var there = near.Count > 0
            ? $"{section!.TrimEnd(':')} has {string.Join(", ", near)}"
            : $"there are {string.Join(", ", All.Select(s => s.Name.Split(':')[0]).Concat(PlanKeys.Sections).Distinct(StringComparer.OrdinalIgnoreCase))}";
        var meant = All.Select(s => s.Name).Concat(PlanKeys.Settings.Keys).MinBy(name => Spelling.Distance(name, key))!;
        return Spelling.Distance(meant, key) <= Math.Max(1, key.Length / 5) ? $"{there}. Did you mean {meant}?" : there + ".";
    }

    // | `Search:EfSearch` | 100 | whole number from 10 to 1000 | HNSW: how many neighbours a scan keeps in view. |
    internal static IReadOnlyList<SettingKey> Parse(string page) =>
    [
        .. Row().Matches(page).Select(row => new SettingKey(
            row.Groups["name"].Value,
            row.Groups["default"].Value.Trim().Trim('`') is "none" or "" ? null : row.Groups["default"].Value.Trim().Trim('`'),
            row.Groups["allowed"].Value.Trim(),
            row.Groups["what"].Value.Trim())),
    ];

    [GeneratedRegex(@"^\| `(?<name>[^`]+)` \|(?<default>[^|\n]*)\|(?<allowed>[^|\n]+)\|(?<what>[^|\n]+)\|$", RegexOptions.Multiline | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Row();

    private static IReadOnlyList<SettingKey> Read()
    {
        using var stream = typeof(SettingKeys).Assembly.GetManifestResourceStream(Page)!;
        using var reader = new StreamReader(stream);
        return Parse(reader.ReadToEnd().ReplaceLineEndings("\n"));
    }
}

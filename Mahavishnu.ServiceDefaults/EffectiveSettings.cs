using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;

namespace Mahavishnu.ServiceDefaults;

/// <summary>One setting in force.</summary>
/// <param name="Value">Null: it has none.</param>
/// <param name="From">The file, <c>environment</c>, <c>command line</c> or <c>default</c>.</param>
public sealed record EffectiveSetting(string Key, string? Value, string From);

/// <summary>What this program goes by: every setting there is, set or not.</summary>
public static class EffectiveSettings
{
    private const string Default = "default";

    /// <summary>In the order of their names. Nothing is masked.</summary>
    public static IReadOnlyList<EffectiveSetting> Read(IConfiguration configuration)
    {
        var set = configuration.AsEnumerable()
            .Where(s => s.Value is not null && SettingKeys.Find(s.Key) is not null)
            .Select(s => new EffectiveSetting(s.Key, s.Value, From((IConfigurationRoot)configuration, s.Key)))
            .ToList();
        var unset = SettingKeys.All
            .Where(s => !s.IsOpen && !set.Exists(e => s.Covers(e.Key)))
            .Select(s => new EffectiveSetting(s.Name, s.Default, Default));
        return [.. set.Concat(unset).OrderBy(s => s.Key, StringComparer.OrdinalIgnoreCase)];
    }

    private static string From(IConfigurationRoot configuration, string key) => Strongest(configuration, key) switch
    {
        SettingsFileProvider file => file.Path,
        EnvironmentVariablesConfigurationProvider => "environment",
        CommandLineConfigurationProvider => "command line",
        JsonConfigurationProvider json => json.Source.Path ?? "appsettings.json",
        // What a program gives itself, weaker than all that a user can say.
        _ => Default,
    };

    /// <summary>Where somebody who wants to change it has to look, and for what; null for what no user has said.</summary>
    internal static string? Origin(IConfigurationRoot configuration, string key) => (Strongest(configuration, key), From(configuration, key)) switch
    {
        (SettingsFileProvider file, var from) => $"{from}: {file.Written(key)}",
        (EnvironmentVariablesConfigurationProvider, var from) => $"{from}: {key.Replace(":", "__", StringComparison.Ordinal)}",
        (_, Default) => null,
        (_, var from) => from,
    };

    private static IConfigurationProvider Strongest(IConfigurationRoot configuration, string key) => configuration.Providers.Last(p => p.TryGet(key, out _));
}

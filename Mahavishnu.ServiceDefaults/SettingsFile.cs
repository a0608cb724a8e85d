using System.Globalization;
using Mahavishnu.Contracts;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Mahavishnu.ServiceDefaults;

/// <summary>A setting that was understood and changes nothing.</summary>
/// <param name="Asked">True where it asks for something that is not done: worth a warning.</param>
internal sealed record SettingNote(string File, string Key, string Why, bool Asked);

/// <summary>What a settings file says.</summary>
/// <param name="Values">By this program's keys.</param>
/// <param name="Written">The same keys as they stand in the file.</param>
internal sealed record SettingsContent(Dictionary<string, string?> Values, IReadOnlyDictionary<string, string> Written, IReadOnlyList<SettingNote> Notes);

/// <summary>Reads a YAML settings file into configuration keys, and the plan's names into the keys this program has for them.</summary>
internal static class SettingsFile
{
    /// <exception cref="SettingsException">The file is not YAML, or says something that cannot be meant.</exception>
    public static SettingsContent Read(string path)
    {
        using var reader = new StreamReader(path);
        return Parse(reader, path);
    }

    internal static SettingsContent Parse(TextReader yaml, string path)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(yaml);
        }
        catch (YamlException e)
        {
            throw new SettingsException(FormattableString.Invariant($"{path}, line {e.Start.Line}: {(e.InnerException ?? e).Message}"), e);
        }

        var flat = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        if (stream.Documents.Count > 0 && stream.Documents[0].RootNode is not YamlScalarNode { Value: null or "" })
        {
            if (stream.Documents[0].RootNode is not YamlMappingNode root)
            {
                throw new SettingsException($"{path}: the file must be a list of 'key: value' lines.");
            }

            Flatten(root, "", flat);
        }

        return Map(flat, path);
    }

    private static void Flatten(YamlNode node, string prefix, Dictionary<string, string?> flat)
    {
        switch (node)
        {
            case YamlMappingNode mapping:
                foreach (var (key, value) in mapping.Children)
                {
                    Flatten(value, Join(prefix, ((YamlScalarNode)key).Value ?? ""), flat);
                }

                break;
            case YamlSequenceNode sequence:
                for (var i = 0; i < sequence.Children.Count; i++)
                {
                    Flatten(sequence.Children[i], Join(prefix, i.ToString(CultureInfo.InvariantCulture)), flat);
                }

                break;
            case YamlScalarNode scalar:
                // "key:" and "key: ~" give nothing, so that a default stays a default; "key: ''" is a value.
                if (scalar.Style != ScalarStyle.Plain || scalar.Value is not (null or "" or "~" or "null"))
                {
                    flat[prefix] = scalar.Value;
                }

                break;
        }
    }

    // postgresql:                          MAHAVISHNU_PG_HOST=localhost
    //   host: "localhost"            →     MAHAVISHNU_PG_PORT=5432
    //   port: 5432                         Database:PoolSize=20
    //   pool_size: 20
    private static SettingsContent Map(Dictionary<string, string?> flat, string path)
    {
        var used = !flat.TryGetValue(PlanKeys.PostgresqlEnabled, out var enabled) || Switch(PlanKeys.PostgresqlEnabled, enabled, path);
        var mapped = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var written = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var notes = new List<SettingNote>();
        foreach (var (key, value) in flat)
        {
            if (!PlanKeys.IsPlans(key))
            {
                Set(Known(key, path), value, key);
                continue;
            }

            var on = !PlanKeys.IsSwitch(key) || Switch(key, value, path);
            if (PlanKeys.WithoutEffect.TryGetValue(key, out var why))
            {
                notes.Add(new SettingNote(path, Written(key), why, Asked: !on));
            }
            else if (key.Equals(PlanKeys.Monitoring, StringComparison.OrdinalIgnoreCase))
            {
                Set(Telemetry.Disabled, on ? "false" : "true", key);
            }
            else if (PlanKeys.Settings.TryGetValue(key, out var ours) && (used || !key.StartsWith("postgresql:", StringComparison.OrdinalIgnoreCase)))
            {
                Set(ours, string.Equals(key, "log_level", StringComparison.OrdinalIgnoreCase) ? PlanKeys.LogLevel(value, path) : value, key);
            }
        }

        return new SettingsContent(mapped, written, notes);

        void Set(string ours, string? value, string theirs) => (mapped[ours], written[ours]) = (value, Written(theirs));
    }

    /// <summary>A key that does nothing would be something that somebody believes to be configured.</summary>
    private static string Known(string key, string path)
    {
        if (SettingKeys.Find(key) is not null)
        {
            return key;
        }

        var section = key.Split(':')[0];
        var plans = PlanKeys.Of(section).ToList();
        throw new SettingsException(
            plans.Count == 0 ? $"{path}: {Written(key)} is not known; {SettingKeys.Near(key)} docs/configuration.md lists every key."
            : key.Contains(':', StringComparison.Ordinal) ? $"{path}: {Written(key)} is not known; the section has {string.Join(", ", plans)}."
            : $"{path}: {section} must be a section with {string.Join(", ", plans)}.");
    }

    private static bool Switch(string key, string? value, string path) =>
        bool.TryParse(value, out var on) ? on : throw new SettingsException($"{path}: {Written(key)} '{value}' is not one of true, false.");

    /// <summary>As it stands in the file.</summary>
    private static string Written(string key) => key.Replace(':', '.');

    private static string Join(string prefix, string key) => prefix.Length == 0 ? key : $"{prefix}:{key}";
}

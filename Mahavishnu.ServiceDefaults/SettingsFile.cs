using System.Globalization;
using Mahavishnu.Contracts;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Reads a YAML settings file into configuration keys, and the plan's names into the keys this program has for them.</summary>
internal static class SettingsFile
{
    // postgresql:                          MAHAVISHNU_PG_HOST=localhost
    //   host: "localhost"            →     MAHAVISHNU_PG_PORT=5432
    //   port: 5432                         Database:PoolSize=20
    //   pool_size: 20
    private static readonly Dictionary<string, string> PlanKeys = new(StringComparer.OrdinalIgnoreCase)
    {
        ["postgresql:host"] = "MAHAVISHNU_PG_HOST",
        ["postgresql:port"] = "MAHAVISHNU_PG_PORT",
        ["postgresql:database"] = "MAHAVISHNU_PG_DATABASE",
        ["postgresql:user"] = "MAHAVISHNU_PG_USER",
        ["postgresql:password"] = "MAHAVISHNU_PG_PASSWORD",
        ["postgresql:pool_size"] = "Database:PoolSize",
        ["postgresql:max_overflow"] = "Database:MaxOverflow",
        ["llm_model"] = "OLLAMA_MODEL",
        ["ollama_base_url"] = "OLLAMA_BASE_URL",
        ["log_level"] = "Logging:LogLevel:Default",
    };

    private static readonly Dictionary<string, string> LogLevels = new(StringComparer.OrdinalIgnoreCase)
    {
        ["TRACE"] = "Trace",
        ["DEBUG"] = "Debug",
        ["INFO"] = "Information",
        ["INFORMATION"] = "Information",
        ["WARN"] = "Warning",
        ["WARNING"] = "Warning",
        ["ERROR"] = "Error",
        ["CRITICAL"] = "Critical",
        ["NONE"] = "None",
    };

    /// <exception cref="SettingsException">The file is not YAML, or says something that cannot be meant.</exception>
    public static Dictionary<string, string?> Read(string path)
    {
        using var reader = new StreamReader(path);
        return Parse(reader, path);
    }

    internal static Dictionary<string, string?> Parse(TextReader yaml, string path)
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

    private static Dictionary<string, string?> Map(Dictionary<string, string?> flat, string path)
    {
        var used = !(flat.TryGetValue("postgresql:enabled", out var enabled) && string.Equals(enabled, "false", StringComparison.OrdinalIgnoreCase));
        var mapped = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in flat)
        {
            if (string.Equals(key, "postgresql", StringComparison.OrdinalIgnoreCase))
            {
                throw new SettingsException($"{path}: postgresql must be a section with host, port, database, user and password, not '{value}'.");
            }

            if (!key.StartsWith("postgresql:", StringComparison.OrdinalIgnoreCase))
            {
                mapped[PlanKeys.GetValueOrDefault(key, key)] = string.Equals(key, "log_level", StringComparison.OrdinalIgnoreCase) ? LogLevel(value, path) : value;
            }
            else if (PlanKeys.TryGetValue(key, out var ours))
            {
                if (used)
                {
                    mapped[ours] = value;
                }
            }
            else if (!string.Equals(key, "postgresql:enabled", StringComparison.OrdinalIgnoreCase))
            {
                // A key of this section that does nothing would be a connection somebody believes to be configured.
                throw new SettingsException($"{path}: {key.Replace(':', '.')} is not known; the section has enabled, host, port, database, user, password, pool_size and max_overflow.");
            }
        }

        return mapped;
    }

    private static string LogLevel(string? value, string path) =>
        LogLevels.TryGetValue(value ?? "", out var level)
            ? level
            : throw new SettingsException($"{path}: log_level '{value}' is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL.");

    private static string Join(string prefix, string key) => prefix.Length == 0 ? key : $"{prefix}:{key}";
}

using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Memory;

namespace Mahavishnu.ServiceDefaults;

/// <summary>Where settings come from, weakest first: defaults, appsettings, settings/mahavishnu.yaml, settings/local.yaml, environment, command line.</summary>
internal static class ConfigurationLayers
{
    /// <summary>Names the YAML file; empty means none. The environment has <c>MAHAVISHNU_SETTINGS</c> for it.</summary>
    private const string FileKey = "Settings:File";
    private const string FileVariable = "MAHAVISHNU_SETTINGS";
    private const string DefaultFile = "settings/mahavishnu.yaml";

    /// <returns>What the files say without effect.</returns>
    public static IReadOnlyList<SettingNote> Add(IConfigurationManager configuration, string contentRoot)
    {
        var notes = new List<SettingNote>();
        // Environment and command line win over the file, and both are there already: the file slips in below them.
        var position = FirstStronger(configuration.Sources);
        foreach (var file in Files(configuration, contentRoot))
        {
            var content = SettingsFile.Read(file);
            notes.AddRange(content.Notes);
            configuration.Sources.Insert(position++, new SettingsFileSource(file, content));
        }

        // ASPNETCORE_URLS and its kin are read by weaker sources than appsettings; without this a file's "urls" would beat them.
        foreach (var prefix in new[] { "DOTNET_", "ASPNETCORE_" })
        {
            configuration.Sources.Insert(position++, new EnvironmentVariablesConfigurationSource { Prefix = prefix });
        }

        return notes;
    }

    /// <summary>How much is logged where nothing else is said: our own words, and of the rest what goes wrong. A driver that logs each statement costs more than the statement.</summary>
    public static void AddDefaultLogLevels(IConfigurationManager configuration) =>
        configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData =
            [
                new("Logging:LogLevel:Default", "Information"),
                new("Logging:LogLevel:Microsoft", "Warning"),
                new("Logging:LogLevel:Microsoft.Hosting.Lifetime", "Information"),
                // Its finest level writes out whole messages, what was stored and asked among them.
                new("Logging:LogLevel:ModelContextProtocol", "Warning"),
                new("Logging:LogLevel:Npgsql", "Warning"),
                new("Logging:LogLevel:Polly", "Warning"),
                new("Logging:LogLevel:System.Net.Http", "Warning"),
                new("Logging:LogLevel:Yarp", "Warning"),
                // A service that is down is a stack trace every few seconds there; the health document says it once, when asked.
                new("Logging:LogLevel:Yarp.ReverseProxy.Health", "Critical"),
            ],
        });

    /// <summary>Listens on the service's own loopback port where nothing else is said.</summary>
    public static void AddDefaultAddress(IConfigurationManager configuration, int port)
    {
        if (!BindRule.Configured(configuration).Any())
        {
            configuration.Sources.Insert(0, new MemoryConfigurationSource
            {
                InitialData = [new("urls", FormattableString.Invariant($"http://127.0.0.1:{port}"))],
            });
        }
    }

    private static int FirstStronger(IList<IConfigurationSource> sources)
    {
        for (var i = 0; i < sources.Count; i++)
        {
            if (sources[i] is EnvironmentVariablesConfigurationSource { Prefix: null or "" } or CommandLineConfigurationSource)
            {
                return i;
            }
        }

        return sources.Count;
    }

    private static IEnumerable<string> Files(IConfiguration configuration, string contentRoot)
    {
        var named = configuration[FileKey] ?? configuration[FileVariable];
        if (named is not null && string.IsNullOrWhiteSpace(named))
        {
            yield break;
        }

        var file = named is null ? Find(contentRoot) : Path.GetFullPath(named, contentRoot);
        if (named is not null && !File.Exists(file))
        {
            throw new SettingsException($"{(configuration[FileKey] is null ? FileVariable : FileKey)} names {file}, which does not exist.");
        }

        if (file is null)
        {
            yield break;
        }

        yield return file;
        var local = Path.Combine(Path.GetDirectoryName(file)!, "local.yaml");
        if (File.Exists(local))
        {
            yield return local;
        }
    }

    /// <summary>Beside the program or where it was started; in a checkout, at its root.</summary>
    private static string? Find(string contentRoot)
    {
        foreach (var folder in new[] { contentRoot, AppContext.BaseDirectory })
        {
            for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
            {
                var file = Path.Combine(at.FullName, DefaultFile);
                if (File.Exists(file) && (at.FullName == new DirectoryInfo(folder).FullName || File.Exists(Path.Combine(at.FullName, "Mahavishnu.slnf"))))
                {
                    return file;
                }
            }
        }

        return null;
    }
}

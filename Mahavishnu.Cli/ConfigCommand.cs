using System.CommandLine;
using Mahavishnu.Storage;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu config show</c>: the settings as the services see them, where each comes from, and no secret.</summary>
internal static class ConfigCommand
{
    private const string Hidden = "***";

    // The environment is full of other programs' variables; these are the beginnings of what is read here.
    private static readonly string[] Ours =
    [
        "urls", "http_ports", "https_ports", "ConnectionStrings:", "Auth:", "Edge:", "Database:", "Embedding:", "VectorIndex:", "Ingest:", "Search:", "Migration:", "Gateway:",
        "Kestrel:", "Logging:", "Settings:", "MAHAVISHNU_", "OLLAMA_", "OTEL_", "services:", "Scheduling:",
    ];

    private static readonly string[] Secrets = ["password", "apikey", "api_key", "secret", "token", "headers"];

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var show = new Command("show", "Print every setting that is set and where it comes from; secrets are masked");
        show.SetAction(parsed =>
        {
            var settings = Read(Settings.Load().Configuration);
            if (options.IsJson(parsed))
            {
                terminal.WriteJson(settings);
                return ExitCode.Done;
            }

            foreach (var setting in settings)
            {
                terminal.Out.WriteLine($"{setting.Key} = {setting.Value}  ({setting.From})");
            }

            return ExitCode.Done;
        });
        return new Command("config", "The settings in force") { show };
    }

    internal static IReadOnlyList<Setting> Read(IConfiguration configuration) =>
    [
        .. configuration.AsEnumerable()
            .Where(s => s.Value is not null && Ours.Any(o => s.Key.StartsWith(o, StringComparison.OrdinalIgnoreCase)))
            .OrderBy(s => s.Key, StringComparer.OrdinalIgnoreCase)
            .Select(s => new Setting(s.Key, Mask(s.Key, s.Value!), From(configuration, s.Key))),
    ];

    private static string Mask(string key, string value) =>
        key.Equals($"ConnectionStrings:{Contracts.Resources.Database}", StringComparison.OrdinalIgnoreCase) || key.Equals("MAHAVISHNU_TEST_DB", StringComparison.OrdinalIgnoreCase) ? DatabaseConnection.Mask(value)
        : key.StartsWith("ConnectionStrings:", StringComparison.OrdinalIgnoreCase) ? string.Join(';', value.Split(';').Select(MaskPart))
        // Tokens in the plural are counted (Embedding:MaxInputTokens), one is kept secret.
        : Secrets.Any(s => key.Contains(s, StringComparison.OrdinalIgnoreCase) && !key.Contains(s + 's', StringComparison.OrdinalIgnoreCase)) ? Hidden
        // A password can hide in a URL's user part.
        : Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.UserInfo.Length > 0 ? value.Replace(uri.UserInfo, Hidden, StringComparison.Ordinal)
        : value;

    // Endpoint=http://me:hidden@model.example;Model=nomic-embed-text;Key=hidden
    private static string MaskPart(string part) => part.Split('=', 2) switch
    {
        [var name, _] when name.Trim().Equals("key", StringComparison.OrdinalIgnoreCase) => $"{name}={Hidden}",
        [var name, var value] => $"{name}={Mask(name, value)}",
        _ => part,
    };

    private static string From(IConfiguration configuration, string key) =>
        ((IConfigurationRoot)configuration).Providers.Last(p => p.TryGet(key, out _)).GetType().Name switch
        {
            "EnvironmentVariablesConfigurationProvider" => "environment",
            "CommandLineConfigurationProvider" => "command line",
            "JsonConfigurationProvider" => "appsettings",
            _ => "settings file or default",
        };
}

/// <summary>One setting in force.</summary>
internal sealed record Setting(string Key, string Value, string From);

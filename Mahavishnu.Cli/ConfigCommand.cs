using System.CommandLine;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu config show</c>: the settings as the services see them, where each comes from, and no secret.</summary>
internal static class ConfigCommand
{
    private const string Hidden = "***";

    private static readonly string[] Secrets = ["password", "apikey", "api_key", "secret", "token", "headers"];

    public static Command Create(GlobalOptions options, Terminal terminal)
    {
        var show = new Command("show", "Print every setting as it is in force and where it comes from; secrets are masked");
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
                terminal.Out.WriteLine($"{setting.Key} = {setting.Value ?? "(none)"}  ({setting.From})");
            }

            return ExitCode.Done;
        });
        return new Command("config", "The settings in force") { show };
    }

    internal static IReadOnlyList<EffectiveSetting> Read(IConfiguration configuration) =>
        [.. EffectiveSettings.Read(configuration).Select(s => s.Value is null ? s : s with { Value = Mask(s.Key, s.Value) })];

    private static string Mask(string key, string value) =>
        key.Equals($"ConnectionStrings:{Contracts.Resources.Database}", StringComparison.OrdinalIgnoreCase) || key.EndsWith(":ConnectionString", StringComparison.OrdinalIgnoreCase) ? DatabaseConnection.Mask(value)
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
}

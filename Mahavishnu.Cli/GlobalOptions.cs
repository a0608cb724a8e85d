using System.CommandLine;

namespace Mahavishnu.Cli;

/// <summary>The options that every verb has.</summary>
internal sealed class GlobalOptions
{
    public const string UrlVariable = "MAHAVISHNU_URL";
    public const string ApiKeyVariable = "MAHAVISHNU_API_KEY";

    public Option<string?> Url { get; } = new("--url")
    {
        Description = $"The service to talk to ({UrlVariable}); default: the one on this machine, else one for the time of the call",
        HelpName = "URL",
        Recursive = true,
    };

    public Option<string?> ApiKey { get; } = new("--api-key")
    {
        Description = $"Its API key ({ApiKeyVariable})",
        HelpName = "KEY",
        Recursive = true,
    };

    public Option<bool> Json { get; } = new("--json") { Description = "Answer in JSON", Recursive = true };

    public GlobalOptions()
    {
        Url.Validators.Add(static result =>
        {
            if (Parse(result.GetValueOrDefault<string?>()) is null)
            {
                result.AddError($"--url '{result.GetValueOrDefault<string?>()}' is not an address such as http://127.0.0.1:8686.");
            }
        });
    }

    public bool IsJson(ParseResult parsed) => parsed.GetValue(Json);

    /// <summary>The service that the caller named, by option or variable; null where none was named.</summary>
    public ServiceAddress? Named(ParseResult parsed)
    {
        var key = Key(parsed);
        if (parsed.GetValue(Url) is { } given)
        {
            return new ServiceAddress(Parse(given)!, key);
        }

        return Environment.GetEnvironmentVariable(UrlVariable) is { Length: > 0 } variable
            ? new ServiceAddress(
                Parse(variable) ?? throw new CliException($"{UrlVariable} is '{variable}', which is not an address such as http://127.0.0.1:8686.", ExitCode.WrongUsage),
                key)
            : null;
    }

    /// <summary>The key to show. <c>Auth__ApiKey</c> is what a service on this machine, started from the same shell, asks for.</summary>
    public string? Key(ParseResult parsed) =>
        new[] { parsed.GetValue(ApiKey), Environment.GetEnvironmentVariable(ApiKeyVariable), Environment.GetEnvironmentVariable("Auth__ApiKey") }
            .FirstOrDefault(k => !string.IsNullOrWhiteSpace(k));

    private static Uri? Parse(string? url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? new Uri(uri.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/") : null;
}

/// <summary>Where a service is, and the key it asks for.</summary>
internal sealed record ServiceAddress(Uri Url, string? ApiKey)
{
    /// <summary>Paths given to verbs are read by the service: only on this machine are they the caller's own.</summary>
    public bool IsThisMachine => Url.IsLoopback;
}

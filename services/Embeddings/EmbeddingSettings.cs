using System.Data.Common;
using System.Globalization;
using Mahavishnu.Contracts;
using Microsoft.Extensions.Configuration;

namespace Mahavishnu.Embeddings;

/// <summary>Which model is meant, as the settings say: the section <c>Embedding</c>, the plan's <c>OLLAMA_*</c>, or the connection string that Aspire gives.</summary>
/// <param name="Provider">One of <see cref="EmbeddingProviders"/>.</param>
/// <param name="Model">The name that the provider knows it by.</param>
/// <param name="Url">Where Ollama answers.</param>
/// <param name="UrlKey">The key that says so; null: nobody said, it is the usual place.</param>
/// <param name="ModelKey">The key that names the model; null: nobody did.</param>
/// <param name="Profile">Prefix profile for a new space; null takes the one known for the model.</param>
/// <param name="Distance">Distance of a new space.</param>
/// <param name="Pull">Whether a missing model may be downloaded.</param>
/// <param name="MaxInputTokens">A longer text is embedded in parts, even where the model would take it whole.</param>
internal sealed record EmbeddingSettings(
    string Provider, string Model, Uri Url, string? UrlKey, string? ModelKey, string? Profile, string Distance, bool Pull, int MaxInputTokens)
{
    public const string ProviderKey = "Embedding:Provider";
    private const string DefaultModel = "nomic-embed-text";
    private const string DefaultUrl = "http://localhost:11434";
    private const string ConnectionKey = $"ConnectionStrings:{Resources.EmbeddingModel}";
    private const int UsualInputTokens = 2_048;

    private static readonly string[] UrlKeys = ["Embedding:Ollama:Url", "OLLAMA_BASE_URL"];
    private static readonly string[] ModelKeys = ["Embedding:Model", "OLLAMA_MODEL"];
    private static readonly string[] Providers = [EmbeddingProviders.Auto, EmbeddingProviders.Ollama, EmbeddingProviders.Builtin];
    private static readonly string[] Distances = ["cosine", "l2", "ip"];

    /// <summary>The server as a sentence begins with it: by the key that somebody can change.</summary>
    public string Server => UrlKey is null ? $"Ollama at {Address} (OLLAMA_BASE_URL is not set)" : $"{UrlKey} {Address}";

    /// <summary>The URL without what it may hold of a user.</summary>
    private string Address => Url.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped).TrimEnd('/');

    /// <exception cref="SettingsException">A value cannot be meant; the message names the key as it was written.</exception>
    public static EmbeddingSettings Read(IConfiguration configuration)
    {
        var (endpoint, named) = Connection(configuration);
        var (urlKey, url) = One(configuration, UrlKeys, endpoint, static u => Uri.TryCreate(u, UriKind.Absolute, out var uri) ? uri.ToString().TrimEnd('/') : u);
        var (modelKey, model) = One(configuration, ModelKeys, named, OllamaName.Full);
        return new EmbeddingSettings(
            Choice(configuration, ProviderKey, Providers) ?? EmbeddingProviders.Auto,
            model ?? DefaultModel,
            Parse(urlKey ?? UrlKeys[0], url ?? DefaultUrl),
            urlKey,
            modelKey,
            Choice(configuration, "Embedding:Profile", [.. PrefixProfile.Names]),
            Choice(configuration, "Embedding:Distance", Distances) ?? Distances[0],
            Flag(configuration, "Embedding:Pull"),
            Number(configuration, "Embedding:MaxInputTokens", 16, 1_000_000) ?? UsualInputTokens);
    }

    // Endpoint=http://localhost:11434;Model=nomic-embed-text
    private static (string? Endpoint, string? Model) Connection(IConfiguration configuration)
    {
        var given = configuration.GetConnectionString(Resources.EmbeddingModel);
        if (string.IsNullOrWhiteSpace(given))
        {
            return (null, null);
        }

        var parts = new DbConnectionStringBuilder();
        try
        {
            parts.ConnectionString = given;
        }
        catch (ArgumentException)
        {
            throw new SettingsException($"{ConnectionKey} cannot be read. It is written Endpoint=http://HOST:11434;Model=NAME.");
        }

        return parts.TryGetValue("Endpoint", out var endpoint)
            ? (endpoint.ToString(), parts.TryGetValue("Model", out var model) ? model.ToString() : null)
            : throw new SettingsException($"{ConnectionKey} has no Endpoint. It is written Endpoint=http://HOST:11434;Model=NAME.");
    }

    /// <summary>
    /// What the strongest source says (environment before file), there the connection string before the keys. Two that differ in one source would be a model
    /// that somebody believes to be in use.
    /// </summary>
    private static (string? Key, string? Value) One(IConfiguration configuration, string[] keys, string? connection, Func<string, string> canonical)
    {
        var said = keys.Select(k => (Key: k, Value: configuration[k]?.Trim())).Prepend((Key: ConnectionKey, Value: connection?.Trim()))
            .Where(s => !string.IsNullOrEmpty(s.Value))
            .ToLookup(s => Strength(configuration, s.Key));
        if (said.MaxBy(s => s.Key) is not { } strongest)
        {
            return (null, null);
        }

        var first = strongest.First();
        foreach (var other in strongest.Skip(1))
        {
            if (!string.Equals(canonical(first.Value!), canonical(other.Value!), StringComparison.OrdinalIgnoreCase))
            {
                throw new SettingsException($"{first.Key} ({first.Value}) and {other.Key} ({other.Value}) differ. Remove one of them.");
            }
        }

        return first;
    }

    private static int Strength(IConfiguration configuration, string key) =>
        configuration is IConfigurationRoot root ? root.Providers.Index().Last(p => p.Item.TryGet(key, out _)).Index : 0;

    internal static Uri Parse(string key, string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0
            // With the slash, a path in front (a proxy's) stays in front of the routes.
            ? new Uri(uri.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/")
            : throw new SettingsException($"{key}: '{url}' is not an http(s) URL such as {DefaultUrl}.");

    private static string? Choice(IConfiguration configuration, string key, string[] allowed)
    {
        var value = configuration[key]?.Trim().ToLowerInvariant();
        return string.IsNullOrEmpty(value) ? null
            : allowed.Contains(value, StringComparer.Ordinal) ? value
            : throw new SettingsException($"{key}: '{configuration[key]}' is not one of {string.Join(", ", allowed)}.");
    }

    private static bool Flag(IConfiguration configuration, string key) => configuration[key]?.Trim() switch
    {
        null or "" => false,
        var text when bool.TryParse(text, out var flag) => flag,
        var text => throw new SettingsException($"{key}: '{text}' is not a true or false."),
    };

    private static int? Number(IConfiguration configuration, string key, int least, int most) => configuration[key]?.Trim() switch
    {
        null or "" => null,
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most => number,
        var text => throw new SettingsException(FormattableString.Invariant($"{key}: '{text}' is not a whole number from {least} to {most}.")),
    };
}

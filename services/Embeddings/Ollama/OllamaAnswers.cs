using System.Net;
using System.Text.Json;

namespace Mahavishnu.Embeddings;

/// <summary>An answer that is no success.</summary>
/// <param name="said">Whether it is Ollama that says so, in its own form.</param>
internal sealed class OllamaRefusal(HttpStatusCode status, string message, bool said) : HttpRequestException(message, null, status)
{
    public bool Said { get; } = said;
}

/// <summary>Keeps the words of an error answer, which the client would leave unread: they say whether a model is missing or a text too long.</summary>
internal sealed class OllamaAnswers(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private const int MostCharacters = 500;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            var body = await response.Content.ReadAsStringAsync(cancellationToken);
            var error = Error(body);
            throw new OllamaRefusal(response.StatusCode, Cut(error ?? $"{(int)response.StatusCode} {response.ReasonPhrase}"), error is not null);
        }
    }

    // {"error":"model \"x\" not found, try pulling it first"}
    private static string? Error(string body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.String
                ? error.GetString()
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Cut(string text) => text.Length > MostCharacters ? text[..MostCharacters] + "…" : text;
}

using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Mahavishnu.EndToEnd.Tests;

/// <summary>An answer as it came, for what typed clients hide.</summary>
internal sealed record Answer(int Status, JsonElement Body, string Text, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
{
    public string? Code => Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty("code", out var code) ? code.GetString() : null;

    /// <summary>Names of the fields that the problem complains about.</summary>
    public IEnumerable<string> Fields =>
        Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty("errors", out var errors) ? errors.EnumerateObject().Select(e => e.Name) : [];
}

internal static class Asking
{
    public static async Task<Answer> AskAsync(this HttpClient http, HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = content };
        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var json = response.Content.Headers.ContentType?.MediaType is { } type && type.EndsWith("json", StringComparison.Ordinal) && text.Length > 0;
        return new Answer((int)response.StatusCode, json ? JsonElement.Parse(text) : default, text, response.Headers, response.Content.Headers);
    }

    public static HttpContent Json(string text, string type = "application/json") => new StringContent(text, Encoding.UTF8, new MediaTypeHeaderValue(type) { CharSet = "utf-8" });
}

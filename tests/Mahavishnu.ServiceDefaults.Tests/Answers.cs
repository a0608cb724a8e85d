using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Mahavishnu.ServiceDefaults.Tests;

/// <summary>A problem document as a caller sees it.</summary>
internal sealed record Answer(HttpStatusCode Status, string? MediaType, JsonNode? Body, HttpResponseHeaders Headers)
{
    public string? Code => (string?)Body?["code"];

    public string? Detail => (string?)Body?["detail"];

    public string? Error(string field) => (string?)Body?["errors"]?[field]?[0];

    public IEnumerable<string> Fields => Body?["errors"]?.AsObject().Select(e => e.Key) ?? [];
}

internal static class Answers
{
    public static async Task<Answer> AskAsync(this HttpClient http, HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var isJson = response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true;
        return new Answer(response.StatusCode, response.Content.Headers.ContentType?.MediaType, isJson ? JsonNode.Parse(text) : null, response.Headers);
    }

    public static Task<Answer> PostJsonAsync(this HttpClient http, string path, string json, string mediaType = "application/json")
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(json));
        if (mediaType.Length > 0)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", mediaType);
        }

        return http.AskAsync(HttpMethod.Post, path, content);
    }
}

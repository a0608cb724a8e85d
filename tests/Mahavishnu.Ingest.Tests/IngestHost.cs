using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Mahavishnu.Embeddings;
using Microsoft.AspNetCore.Builder;

namespace Mahavishnu.Ingest.Tests;

/// <summary>The real ingest module with the built-in model, on a socket and a database of its own.</summary>
internal static class IngestHost
{
    public static Task<TestHost> StartAsync(TestDatabase database, params (string Key, string? Value)[] settings) =>
        StartAsync(database, builder => builder.AddEmbeddings(), settings);

    public static Task<TestHost> StartAsync(TestDatabase database, StrangeModel model, params (string Key, string? Value)[] settings) =>
        StartAsync(database, model.Add, settings);

    private static Task<TestHost> StartAsync(TestDatabase database, Action<WebApplicationBuilder> addModel, (string Key, string? Value)[] settings) =>
        TestHost.StartAsync(
            database.ConnectionString,
            builder =>
            {
                addModel(builder);
                builder.AddIngest();
            },
            app => app.MapIngest(),
            // Whatever a test waits for, it does not wait for the next look. What is said last counts.
            [.. (((string Key, string?)[])[("Embedding:IdleSeconds", "0.1"), .. settings]).GroupBy(s => s.Key, StringComparer.Ordinal).Select(g => g.Last())]);
}

/// <summary>An answer as a caller sees it.</summary>
internal sealed record Answer(HttpStatusCode Status, JsonNode? Body, HttpResponseHeaders Headers)
{
    public string? Code => (string?)Body?["code"];

    public string? Error(string field) => (string?)Body?["errors"]?[field]?[0];

    /// <summary>Fields that the problem names.</summary>
    public IEnumerable<string> Fields => Body?["errors"]?.AsObject().Select(e => e.Key) ?? [];

    public string Id => (string)Body!["id"]!;
}

internal static class Asking
{
    public static async Task<Answer> AskAsync(this HttpClient http, HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, "/api/v1" + path) { Content = content };
        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var isJson = response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true;
        return new Answer(response.StatusCode, isJson ? JsonNode.Parse(text) : null, response.Headers);
    }

    public static Task<Answer> FetchAsync(this HttpClient http, string path, params (string Name, string Value)[] headers) =>
        http.AskAsync(HttpMethod.Get, path, null, headers);

    public static Task<Answer> PostAsync(this HttpClient http, string path, JsonNode body) =>
        http.PostAsync(path, body.ToJsonString());

    public static Task<Answer> PostAsync(this HttpClient http, string path, string body, string mediaType = "application/json") =>
        http.AskAsync(HttpMethod.Post, path, Content(body, mediaType));

    public static Task<Answer> PatchAsync(this HttpClient http, string path, JsonNode body, string? ifMatch) =>
        http.AskAsync(HttpMethod.Patch, path, Content(body.ToJsonString(), "application/json"), ifMatch is null ? [] : [("If-Match", ifMatch)]);

    // Bytes, so that nothing between here and the server mends what a test breaks on purpose.
    public static ByteArrayContent Content(string body, string mediaType)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", mediaType);
        return content;
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>Whatever is wrong with a pin or a run is said under the name of the field.</summary>
public sealed class EvaluationBadInputTests(BadInputFixture fixture) : IClassFixture<BadInputFixture>
{
    private const string Nobody = "0198c0de-0000-7000-8000-000000000000";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private async Task<(HttpStatusCode Status, JsonNode Body)> SendAsync(HttpMethod method, string path, string? json)
    {
        using var request = new HttpRequestMessage(method, Resources.Api + path)
        {
            Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json"),
        };
        using var response = await fixture.World.Host.Http.SendAsync(request, Ct);
        return (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonNode>(Ct))!);
    }

    private static void AssertRefused((HttpStatusCode Status, JsonNode Body) answer, string field, HttpStatusCode status = HttpStatusCode.BadRequest)
    {
        Assert.True(answer.Status == status, $"{answer.Status} {answer.Body}");
        Assert.True(answer.Body["errors"]?[field] is JsonArray { Count: > 0 }, $"{answer.Body}");
    }

    [Theory]
    [InlineData("""{"memoryId":"0198c0de-0000-7000-8000-000000000000"}""", "query")]
    [InlineData("""{"query":"  ","memoryId":"0198c0de-0000-7000-8000-000000000000"}""", "query")]
    [InlineData("""{"query":7,"memoryId":"0198c0de-0000-7000-8000-000000000000"}""", "query")]
    [InlineData("""{"query":"a"}""", "memoryId")]
    [InlineData("""{"query":"a","memoryId":"not-an-id"}""", "memoryId")]
    [InlineData("""{"query":"a","memoryId":7}""", "memoryId")]
    [InlineData("""{"query":"a","memoryId":"0198c0de-0000-7000-8000-000000000000","types":["dream"]}""", "types[0]")]
    [InlineData("""{"query":"a","memoryId":"0198c0de-0000-7000-8000-000000000000","types":"agent"}""", "types")]
    [InlineData("""{"query":"a","memoryId":"0198c0de-0000-7000-8000-000000000000","sources":[null]}""", "sources[0]")]
    [InlineData("""{"query":"a","memoryId":"0198c0de-0000-7000-8000-000000000000","projectId":""}""", "projectId")]
    [InlineData("""{"query":"a","memoryId":"0198c0de-0000-7000-8000-000000000000","repoId":" "}""", "repoId")]
    [InlineData("""{"query":"a","memoryId":"0198c0de-0000-7000-8000-000000000000","limit":3}""", "limit")]
    [InlineData("""{"query":"a","memoryId":"0198c0de-0000-7000-8000-000000000000","sessionId":"s"}""", "sessionId")]
    [InlineData("[]", "body")]
    public async Task What_is_wrong_with_a_pin_is_named(string body, string field) => AssertRefused(await SendAsync(HttpMethod.Post, "/evals/pins", body), field);

    [Fact]
    public async Task All_that_is_wrong_is_said_at_once()
    {
        var answer = await SendAsync(HttpMethod.Post, "/evals/pins", $$"""{"query":"{{new string('x', SearchRequest.MaxQueryLength + 1)}}","memoryId":"?","types":["dream"],"projectId":""}""");

        Assert.Equal(["memoryId", "projectId", "query", "types[0]"], answer.Body["errors"]!.AsObject().Select(e => e.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_pin_needs_a_memory_that_its_search_can_find()
    {
        var world = fixture.World;
        var draft = SearchWorld.Draft("apple") with { ProjectId = "p" };
        var successor = SearchWorld.Draft("better apple");
        await world.StoreAsync(draft, successor);
        string Pin(Guid memory, string more = "") => $$"""{"query":"apple","memoryId":"{{memory}}"{{more}}}""";

        AssertRefused(await SendAsync(HttpMethod.Post, "/evals/pins", Pin(Guid.Parse(Nobody))), "memoryId", HttpStatusCode.NotFound);
        AssertRefused(await SendAsync(HttpMethod.Post, "/evals/pins", Pin(draft.Id, ",\"types\":[\"rag\",\"insight\"]")), "types");
        AssertRefused(await SendAsync(HttpMethod.Post, "/evals/pins", Pin(draft.Id, ",\"sources\":[\"elsewhere\"]")), "sources");
        AssertRefused(await SendAsync(HttpMethod.Post, "/evals/pins", Pin(draft.Id, ",\"projectId\":\"q\"")), "projectId");
        AssertRefused(await SendAsync(HttpMethod.Post, "/evals/pins", Pin(draft.Id, ",\"repoId\":\"r\"")), "repoId");
        await world.Database.ExecuteAsync("UPDATE memories SET superseded_by = $1 WHERE id = $2", successor.Id, draft.Id);
        AssertRefused(await SendAsync(HttpMethod.Post, "/evals/pins", Pin(draft.Id)), "memoryId");
        await world.Host.Get<Storage.MemoryWriteStore>().DeleteAsync(successor.Id, null, Ct);
        AssertRefused(await SendAsync(HttpMethod.Post, "/evals/pins", Pin(successor.Id)), "memoryId", HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("""{"mode":"magic"}""", "mode")]
    [InlineData("""{"mode":7}""", "mode")]
    [InlineData("""{"k":0}""", "k")]
    [InlineData("""{"k":101}""", "k")]
    [InlineData("""{"k":"ten"}""", "k")]
    [InlineData("""{"limit":10}""", "limit")]
    public async Task What_is_wrong_with_a_run_is_named(string body, string field) => AssertRefused(await SendAsync(HttpMethod.Post, "/evals:run", body), field);

    [Theory]
    [InlineData("GET", "/evals/pins?limit=0", "limit")]
    [InlineData("GET", "/evals/pins?limit=many", "limit")]
    [InlineData("GET", "/evals/pins?cursor=abc", "cursor")]
    [InlineData("GET", "/evals/pins?query=a", "query")]
    [InlineData("DELETE", "/evals/pins/not-an-id", "id")]
    [InlineData("POST", "/evals:run?k=3", "k")]
    public async Task What_is_wrong_with_an_address_is_named(string method, string path, string field) =>
        AssertRefused(await SendAsync(new HttpMethod(method), path, null), field);
}

using System.Net;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Mahavishnu.Gateway.Tests;

public sealed class DocumentTests
{
    private static JsonObject Document(string json) => JsonNode.Parse(json)!.AsObject();

    [Fact]
    public void Paths_schemas_and_tags_of_all_are_there_once()
    {
        var merged = DocumentMerge.Merge([
            ("ingest", Document("""{"openapi":"3.1.1","info":{"title":"Mahavishnu"},"paths":{"/api/v1/memories":{"get":{}},"/api/v1/health":{"get":{}}},"components":{"schemas":{"Memory":{"type":"object"}}},"tags":[{"name":"Memories"},{"name":"Health"}]}""")),
            ("search", Document("""{"openapi":"3.1.1","info":{"title":"Mahavishnu"},"paths":{"/api/v1/search":{"post":{}},"/api/v1/health":{"get":{}}},"components":{"schemas":{"Memory":{"type":"object"},"SearchHit":{"type":"object"}}},"tags":[{"name":"Health"},{"name":"Search"}]}""")),
        ]);

        Assert.Equal("3.1.1", (string?)merged["openapi"]);
        Assert.Equal(["/api/v1/health", "/api/v1/memories", "/api/v1/search"], merged["paths"]!.AsObject().Select(p => p.Key));
        Assert.Equal(["Memory", "SearchHit"], merged["components"]!["schemas"]!.AsObject().Select(p => p.Key));
        Assert.Equal(["Health", "Memories", "Search"], merged["tags"]!.AsArray().Select(t => (string?)t!["name"]));
        Assert.False(merged.ContainsKey("x-unavailable"));
    }

    [Fact]
    public void Two_schemas_of_one_name_both_stay_and_references_follow()
    {
        var merged = DocumentMerge.Merge([
            ("ingest", Document("""{"paths":{},"components":{"schemas":{"Page":{"type":"object"}}}}""")),
            ("search", Document("""{"paths":{"/api/v1/search":{"post":{"x":[{"$ref":"#/components/schemas/Page"}]}}},"components":{"schemas":{"Page":{"type":"array"},"Hit":{"$ref":"#/components/schemas/Page"}}}}""")),
        ]);

        Assert.Equal("object", (string?)merged["components"]!["schemas"]!["Page"]!["type"]);
        Assert.Equal("array", (string?)merged["components"]!["schemas"]!["SearchPage"]!["type"]);
        Assert.Equal("#/components/schemas/SearchPage", (string?)merged["paths"]!["/api/v1/search"]!["post"]!["x"]![0]!["$ref"]);
        Assert.Equal("#/components/schemas/SearchPage", (string?)merged["components"]!["schemas"]!["Hit"]!["$ref"]);
    }

    [Fact]
    public void A_path_is_taken_from_the_service_that_serves_it()
    {
        var merged = DocumentMerge.Merge([
            ("ingest", Document("""{"paths":{"/api/v1/search":{"x":"wrong"},"/api/v1/memories:batch":{"x":"right"}}}""")),
            ("search", Document("""{"paths":{"/api/v1/search":{"x":"right"}}}""")),
        ]);

        Assert.All(merged["paths"]!.AsObject(), p => Assert.Equal("right", (string?)p.Value!["x"]));
    }

    [Fact]
    public async Task The_gateway_serves_the_whole_and_names_what_is_missing()
    {
        await using var house = await House.StartAsync(app => app.MapPost("/api/v1/memories", (NewMemory memory) => TypedResults.Ok(memory)), [("Gateway:DocumentSeconds", "0")]);

        var whole = await house.AskAsync(HttpMethod.Get, "/openapi/v1.json");
        await house.Search.DisposeAsync();
        var rest = await house.AskAsync(HttpMethod.Get, "/openapi/v1.json");

        Assert.Equal(HttpStatusCode.OK, whole.Status);
        Assert.NotNull(whole.Body!["paths"]!["/api/v1/memories"]!["post"]);
        Assert.NotNull(whole.Body["components"]!["schemas"]!["NewMemory"]);
        Assert.Null(whole.Body["x-unavailable"]);
        Assert.Equal(["search"], rest.Body!["x-unavailable"]!.AsArray().Select(s => (string?)s));
        Assert.NotNull(rest.Body["paths"]!["/api/v1/memories"]);
    }

    [Fact]
    public async Task The_document_is_kept_for_a_while()
    {
        await using var house = await House.StartAsync();

        await house.AskAsync(HttpMethod.Get, "/openapi/v1.json");
        await house.Search.DisposeAsync();

        Assert.Null((await house.AskAsync(HttpMethod.Get, "/openapi/v1.json")).Body!["x-unavailable"]);
    }

    [Fact]
    public async Task The_page_shows_the_document()
    {
        await using var house = await House.StartAsync();

        var page = await house.AskAsync(HttpMethod.Get, "/scalar");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("openapi/v1.json", await page.Response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }
}

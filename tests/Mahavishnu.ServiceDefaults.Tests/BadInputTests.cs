using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.ServiceDefaults.Tests;

public sealed class BadInputTests : IAsyncLifetime
{
    private TestServer _server = null!;

    public sealed record Item(Guid? Id, int Count, string? Text, IReadOnlyList<string>? Tags, IReadOnlyDictionary<string, int>? Metadata, DateTimeOffset? At, bool? Flag);

    public sealed record Basket(IReadOnlyList<Item> Items);

    public sealed record Needy
    {
        public required string Name { get; init; }
    }

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(app =>
    {
        app.MapPost("/items", (Item item) => item);
        app.MapPost("/baskets", (Basket basket) => basket);
        app.MapPost("/needy", (Needy needy) => needy);
        app.MapPost("/small", (Item item) => item).WithMetadata(new RequestSizeLimitAttribute(100));
        app.MapGet("/list", (int? limit, Guid? id, DateTimeOffset? after, bool? deep) => Results.Ok());
        app.MapGet("/needs", (string query) => query);
        app.MapGet("/things/{id}", (Guid id) => id);
        app.MapGet("/none", () => TypedResults.NotFound());
        app.MapGet("/broken", () => { throw new InvalidOperationException("secret of the house"); });
        app.MapGet("/validation", () => Problems.Validation("memories[3].tags", "At most 64 tags."));
        app.MapGet("/attributes", () => TypedResults.ValidationProblem(new Dictionary<string, string[]> { ["Items[2].Text"] = ["Too long."] }));
        app.MapGet("/conflict", () => Problems.Conflict("The id exists with other content."));
        app.MapGet("/later", () => Problems.Unavailable(TimeSpan.FromMilliseconds(1500)));
    });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("""{"id":"zz"}""", "id", "UUID")]
    [InlineData("""{"id":7}""", "id", "string")]
    [InlineData("""{"count":"many"}""", "count", "number")]
    [InlineData("""{"count":3000000000}""", "count", "whole number")]
    [InlineData("""{"count":1.5}""", "count", "whole number")]
    [InlineData("""{"count":null}""", "count", "null")]
    [InlineData("""{"text":5}""", "text", "string")]
    [InlineData("""{"text":"\ud800"}""", "text", "Unicode")]
    [InlineData("""{"tags":"x"}""", "tags", "list")]
    [InlineData("""{"tags":["a",2]}""", "tags[1]", "string")]
    [InlineData("""{"metadata":[]}""", "metadata", "object")]
    [InlineData("""{"metadata":{"a b":"x"}}""", "metadata['a b']", "number")]
    [InlineData("""{"at":"yesterday"}""", "at", "ISO 8601")]
    [InlineData("""{"flag":"yes"}""", "flag", "true or false")]
    [InlineData("""{"count":1,"count":2}""", "count", "given twice")]
    [InlineData("[]", "body", "object")]
    public async Task A_value_of_the_wrong_kind_is_refused_by_its_field(string json, string field, string says)
    {
        var answer = await _server.Http.PostJsonAsync("/items", json);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal("application/problem+json", answer.MediaType);
        Assert.Equal("invalid_request", answer.Code);
        Assert.Equal("urn:mahavishnu:problem:invalid_request", (string?)answer.Body!["type"]);
        Assert.Equal([field], answer.Fields);
        Assert.Contains(says, answer.Error(field), StringComparison.Ordinal);
        Assert.DoesNotContain("System.", answer.Body!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains(field, answer.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_value_deep_inside_a_list_is_named_by_its_path()
    {
        var answer = await _server.Http.PostJsonAsync("/baskets", """{"items":[{"count":1},{"count":2},{"count":1,"tags":{}}]}""");

        Assert.Equal(["items[2].tags"], answer.Fields);
    }

    [Theory]
    [InlineData("/items", """{"colour":"red"}""", "colour")]
    [InlineData("/baskets", """{"items":[{"colour":1}]}""", "items[0].colour")]
    public async Task A_property_that_does_not_exist_is_refused_and_named(string path, string json, string field)
    {
        var answer = await _server.Http.PostJsonAsync(path, json);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal("unknown_property", answer.Code);
        Assert.Equal([field], answer.Fields);
    }

    [Theory]
    [InlineData("{\"id\":\n 'x'}", "line 2, position 2")]
    [InlineData("{\"count\":1", "line 1, position 11")]
    [InlineData("{\"count\":1,}", "line 1, position 12")]
    [InlineData("hello", "line 1, position 1")]
    public async Task Malformed_JSON_is_refused_with_line_and_position(string json, string where)
    {
        var answer = await _server.Http.PostJsonAsync("/items", json);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal("malformed_json", answer.Code);
        Assert.Contains(where, answer.Error("body"), StringComparison.Ordinal);
        Assert.DoesNotContain("BytePosition", answer.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    public async Task A_missing_body_is_refused(string json)
    {
        var answer = await _server.Http.PostJsonAsync("/items", json);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal("A JSON body is required.", answer.Error("body"));
    }

    [Fact]
    public async Task A_missing_required_property_is_named()
    {
        var answer = await _server.Http.PostJsonAsync("/needy", "{}");

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal("This property is required.", answer.Error("name"));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("")]
    [InlineData("application/json; charset=bogus")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task Another_content_type_is_refused_with_415(string mediaType)
    {
        var answer = await _server.Http.PostJsonAsync("/items", "{}", mediaType);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.Status);
        Assert.Equal("unsupported_media_type", answer.Code);
        Assert.Contains("application/json", answer.Error("Content-Type"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_over_the_routes_limit_is_refused_with_413_and_the_limit()
    {
        var answer = await _server.Http.PostJsonAsync("/small", $$"""{"text":"{{new string('x', 200)}}"}""");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.Status);
        Assert.Equal("too_large", answer.Code);
        Assert.Contains("100 bytes", answer.Error("body"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/list?limit=abc", "limit", "whole number")]
    [InlineData("/list?limit=", "limit", "whole number")]
    [InlineData("/list?limit=1&limit=2", "limit", "whole number")]
    [InlineData("/list?id=1", "id", "UUID")]
    [InlineData("/list?after=yesterday", "after", "ISO 8601")]
    [InlineData("/list?deep=7", "deep", "true or false")]
    [InlineData("/things/5", "id", "UUID")]
    [InlineData("/needs", "query", "required")]
    public async Task A_bad_parameter_is_named(string path, string field, string says)
    {
        var answer = await _server.Http.AskAsync(HttpMethod.Get, path);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal([field], answer.Fields);
        Assert.Contains(says, answer.Error(field), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_route_and_a_wrong_method_are_problems_too()
    {
        var unknown = await _server.Http.AskAsync(HttpMethod.Get, "/nowhere");
        var method = await _server.Http.AskAsync(HttpMethod.Delete, "/items");
        var bare = await _server.Http.AskAsync(HttpMethod.Get, "/none");

        Assert.Equal((HttpStatusCode.NotFound, "not_found"), (unknown.Status, unknown.Code));
        Assert.Contains("GET /nowhere", unknown.Detail, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "method_not_allowed"), (method.Status, method.Code));
        Assert.Contains("POST", method.Detail, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.NotFound, "not_found"), (bare.Status, bare.Code));
    }

    [Fact]
    public async Task A_client_that_accepts_only_HTML_still_gets_the_problem()
    {
        var answer = await _server.Http.AskAsync(HttpMethod.Get, "/list?limit=abc", null, ("Accept", "text/html"));

        Assert.Equal("application/problem+json", answer.MediaType);
        Assert.Equal("invalid_request", answer.Code);
    }

    [Fact]
    public async Task A_bug_is_a_500_that_keeps_its_text_in_the_log()
    {
        var answer = await _server.Http.AskAsync(HttpMethod.Get, "/broken");

        Assert.Equal((HttpStatusCode.InternalServerError, "internal_error"), (answer.Status, answer.Code));
        Assert.DoesNotContain("secret", answer.Body!.ToJsonString(), StringComparison.Ordinal);
        Assert.NotNull((string?)answer.Body["traceId"]);
        Assert.Single(_server.Logs.All, l => l.Level == LogLevel.Error);
    }

    [Fact]
    public async Task The_helpers_answer_with_code_and_fields()
    {
        var validation = await _server.Http.AskAsync(HttpMethod.Get, "/validation");
        var attributes = await _server.Http.AskAsync(HttpMethod.Get, "/attributes");
        var conflict = await _server.Http.AskAsync(HttpMethod.Get, "/conflict");
        var later = await _server.Http.AskAsync(HttpMethod.Get, "/later");

        Assert.Equal((HttpStatusCode.BadRequest, "At most 64 tags."), (validation.Status, validation.Error("memories[3].tags")));
        Assert.Equal(("invalid_request", "Too long."), (attributes.Code, attributes.Error("items[2].text")));
        Assert.Equal((HttpStatusCode.Conflict, "conflict"), (conflict.Status, conflict.Code));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "database_unavailable"), (later.Status, later.Code));
        Assert.Equal("2", later.Headers.GetValues("Retry-After").Single());
    }
}

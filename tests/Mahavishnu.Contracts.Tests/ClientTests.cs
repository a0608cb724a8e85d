using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Contracts.Tests;

/// <summary>The typed clients against a server that says just what a test wants to hear.</summary>
public sealed class ClientTests : IAsyncLifetime
{
    private WebApplication _server = null!;
    private HttpClient _http = null!;
    private RequestDelegate _answer = _ => Task.CompletedTask;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection([new("urls", "http://127.0.0.1:0")]);
        builder.WebHost.UseKestrelCore();
        builder.Logging.ClearProviders();
        _server = builder.Build();
        _server.Run(context => _answer(context));
        await _server.StartAsync(Ct);
        _http = new HttpClient { BaseAddress = new Uri(_server.Urls.First()) };
    }

    [Fact]
    public async Task A_problem_becomes_an_exception_that_names_the_fields()
    {
        Answer(400, "application/problem+json", """{"type":"urn:x","title":"Bad","status":400,"code":"invalid_request","errors":{"content":["It is empty."],"tags[1]":["Too long."]}}""");

        var refusal = await Assert.ThrowsAsync<ApiException>(() => new MemoriesClient(_http).AddAsync(new NewMemory { Content = "" }, Ct));

        Assert.Equal((400, ErrorCodes.InvalidRequest), (refusal.Status, refusal.Code));
        Assert.Equal(["content", "tags[1]"], refusal.Errors.Keys);
        Assert.Equal("content: It is empty. tags[1]: Too long.", refusal.Message);
    }

    [Theory]
    [InlineData("text/html", "<html>Bad gateway</html>")]
    [InlineData("application/json", "{\"half\":")]
    [InlineData("text/plain", "")]
    public async Task An_answer_that_is_no_problem_document_is_told_by_its_status(string type, string body)
    {
        Answer(502, type, body);

        var refusal = await Assert.ThrowsAsync<ApiException>(() => new SearchClient(_http).SearchAsync(new SearchRequest { Query = "x" }, Ct));

        Assert.Equal((502, ErrorCodes.Internal), (refusal.Status, refusal.Code));
        Assert.Contains("502", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_and_filters_are_escaped_and_versions_travel_as_if_match()
    {
        var seen = new List<string>();
        _answer = context =>
        {
            seen.Add($"{context.Request.Method} {context.Request.Path.Value}{context.Request.QueryString} {context.Request.Headers.IfMatch}".Trim());
            return context.Response.WriteAsync("""{"items":[],"nextCursor":null}""", Ct);
        };

        await new RepositoriesClient(_http).DeleteAsync("a b&c", Ct);
        await new MemoriesClient(_http).ListAsync([new("tag", "c#"), new("cursor", null)], Ct);
        await Assert.ThrowsAnyAsync<Exception>(() => new MemoriesClient(_http).PatchAsync(Guid.Empty, new { title = "t" }, 7, Ct));

        Assert.Equal("DELETE /api/v1/repositories/a b&c", seen[0]);
        Assert.Equal("GET /api/v1/memories?tag=c%23", seen[1]);
        Assert.Equal($"PATCH /api/v1/memories/{Guid.Empty} \"7\"", seen[2]);
    }

    [Fact]
    public async Task Watching_an_operation_ends_with_its_last_event()
    {
        var id = Guid.CreateVersion7();
        string Event(string name, string state) => $"event: {name}\ndata: {{\"id\":\"{id}\",\"kind\":\"repository\",\"state\":\"{state}\"}}\n\n";
        Answer(200, "text/event-stream", Event("progress", "running") + ": still there\n\n" + Event("completed", "completed") + Event("progress", "running"));

        var states = new List<string>();
        await foreach (var operation in new OperationsClient(_http).WatchAsync(id, Ct))
        {
            states.Add(operation.State);
        }

        Assert.Equal(["running", "completed"], states);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    private void Answer(int status, string type, string body) => _answer = context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        return context.Response.WriteAsync(body, Ct);
    };
}

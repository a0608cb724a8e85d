using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using ModelContextProtocol.Protocol;

namespace Mahavishnu.Mcp.Tests;

/// <summary>The endpoint itself: both ways to begin, nothing kept between calls, the door's rules.</summary>
public sealed class ProtocolTests(PostgresFixture postgres)
{
    private const string Initialize = """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}""";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData("2026-07-28")]
    [InlineData("2025-11-25")]
    [InlineData("2025-06-18")]
    public async Task Clients_of_the_current_protocol_and_of_the_one_before_are_served_at_one_address(string? protocol)
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync(protocol);

        Assert.Equal(protocol ?? "2026-07-28", client.NegotiatedProtocolVersion);
        Assert.Equal("mahavishnu", client.ServerInfo!.Name);
        Assert.Contains("data", client.ServerInstructions!, StringComparison.Ordinal);
        Assert.Equal("created", (string)(await client.AskAsync("add_memory", """{"content":"Served."}""")).Answer()["status"]!);
    }

    [Fact]
    public async Task Nothing_is_kept_between_calls()
    {
        await using var world = await McpWorld.StartAsync(postgres);

        var (status, session, _) = await PostAsync(world, Initialize);
        // Another process might answer this one: it has to do without the first.
        var (again, _, body) = await PostAsync(world, """{"jsonrpc":"2.0","id":2,"method":"tools/list"}""", ("MCP-Protocol-Version", "2025-11-25"));

        Assert.Equal((HttpStatusCode.OK, null), (status, session));
        Assert.Equal(HttpStatusCode.OK, again);
        Assert.Contains("search_memories", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/mcp")]
    [InlineData("DELETE", "/mcp")]
    [InlineData("GET", "/mcp/sse")]
    [InlineData("GET", "/sse")]
    public async Task The_transports_of_former_times_are_off(string method, string path)
    {
        await using var world = await McpWorld.StartAsync(postgres);
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Headers = { Accept = { new("text/event-stream") } } };

        using var answer = await world.Host.Http.SendAsync(request, Ct);

        Assert.True(answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed, answer.StatusCode.ToString());
    }

    [Fact]
    public async Task Pages_of_elsewhere_and_callers_without_the_key_are_turned_away()
    {
        await using var world = await McpWorld.StartAsync(postgres, ("Auth:ApiKey", "a-key-of-some-length"));
        await using var client = await world.ConnectAsync();

        var (foreign, _, _) = await PostAsync(world, Initialize, ("Origin", "https://elsewhere.example"));
        world.Host.Http.DefaultRequestHeaders.Authorization = null;
        var (keyless, _, _) = await PostAsync(world, Initialize);

        Assert.Equal(HttpStatusCode.Forbidden, foreign);
        Assert.Equal(HttpStatusCode.Unauthorized, keyless);
        // What the door lets in reaches the services, which ask for the key as well.
        Assert.Equal("created", (string)(await client.AskAsync("add_memory", """{"content":"With the key."}""")).Answer()["status"]!);
    }

    [Fact]
    public async Task The_trace_of_a_client_goes_on_to_the_services()
    {
        var spans = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Microsoft.AspNetCore" or "Experimental.ModelContextProtocol",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var world = await McpWorld.StartAsync(postgres);
        var trace = ActivityTraceId.CreateRandom();

        await PostAsync(
            world,
            """{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"list_memories","arguments":{},"_meta":{"traceparent":"00-TRACE-0123456789abcdef-01"}}}""".Replace("TRACE", trace.ToString(), StringComparison.Ordinal),
            ("MCP-Protocol-Version", "2025-11-25"));

        // The request for the list is over before its span is: wait for it.
        await Eventually.Async(
            () => Task.FromResult(spans.Count(s => s.TraceId == trace && (s.Kind == ActivityKind.Server))), count => count >= 2, "The trace of the tool and of the service");
    }

    [Fact]
    public async Task A_service_that_does_not_answer_is_said_and_the_rest_goes_on()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        var memory = await world.RememberAsync("Still there.");
        ((Microsoft.Extensions.Configuration.IConfigurationBuilder)world.Host.App.Configuration).Add(
            new Microsoft.Extensions.Configuration.Memory.MemoryConfigurationSource { InitialData = [new("services:search:http:0", "http://127.0.0.1:1")] });

        var refused = await Eventually.Async(() => client.AskAsync("search_memories", """{"query":"there"}"""), r => r.IsError == true, "The outage");

        Assert.Contains("does not answer", refused.Text(), StringComparison.Ordinal);
        Assert.Equal("Still there.", (string)(await client.AskAsync("get_memory", $$"""{"id":"{{memory.Id}}"}""")).Answer()["content"]!);
    }

    [Fact]
    public async Task A_resource_that_is_not_there_is_said_in_the_protocols_way()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();

        var templates = await client.ListResourceTemplatesAsync(cancellationToken: Ct);
        var unknown = await Assert.ThrowsAsync<ModelContextProtocol.McpProtocolException>(async () => await client.ReadResourceAsync("mailto:somebody", cancellationToken: Ct));
        var missing = await Assert.ThrowsAsync<ModelContextProtocol.McpProtocolException>(async () => await client.ReadResourceAsync("memory://0198c0de-0000-7000-8000-000000000000", cancellationToken: Ct));

        Assert.Equal(["memory://{id}", "conversation://{sessionId}", "repo://{repoId}/{+path}"], templates.Select(t => t.UriTemplate));
        Assert.Contains("There is nothing at 'mailto:somebody'", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("There is no memory", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prompts_bring_along_what_is_stored()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        await world.RememberAsync("Invoices are numbered by year.", project: "billing", type: MemoryTypes.Insight);
        await world.RememberAsync("The kitchen is on the third floor.", project: "office");

        var prompts = await client.ListPromptsAsync(cancellationToken: Ct);
        var found = await Prompt("find_context", new() { ["topic"] = "invoice numbers" });
        var review = await Prompt("review_project", new() { ["projectId"] = "billing" });
        var overview = await Prompt("overview", []);
        var refused = await Assert.ThrowsAsync<ModelContextProtocol.McpProtocolException>(() => Prompt("find_context", []));

        Assert.Equal(["overview", "find_context", "review_project"], prompts.Select(p => p.Name));
        Assert.Contains("Invoices are numbered by year.", found, StringComparison.Ordinal);
        Assert.Contains("Invoices are numbered by year.", review, StringComparison.Ordinal);
        Assert.DoesNotContain("kitchen", review, StringComparison.Ordinal);
        Assert.Contains("kitchen", overview, StringComparison.Ordinal);
        Assert.Contains("It is data", overview, StringComparison.Ordinal);
        Assert.Contains("topic: is required", refused.Message, StringComparison.Ordinal);

        async Task<string> Prompt(string name, Dictionary<string, object?> arguments) =>
            Assert.IsType<TextContentBlock>(Assert.Single((await client.GetPromptAsync(name, arguments, cancellationToken: Ct)).Messages).Content).Text;
    }

    private static async Task<(HttpStatusCode Status, string? Session, string Body)> PostAsync(McpWorld world, string message, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Resources.Mcp) { Content = JsonContent.Create(JsonNode.Parse(message)) };
        request.Headers.Accept.ParseAdd("application/json");
        request.Headers.Accept.ParseAdd("text/event-stream");
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        using var answer = await world.Host.Http.SendAsync(request, Ct);
        return (answer.StatusCode, answer.Headers.TryGetValues("Mcp-Session-Id", out var session) ? session.Single() : null, await answer.Content.ReadAsStringAsync(Ct));
    }
}

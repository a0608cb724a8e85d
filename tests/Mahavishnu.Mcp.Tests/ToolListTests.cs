using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using ModelContextProtocol.Client;

namespace Mahavishnu.Mcp.Tests;

/// <summary>What every session of every agent pays for: the list of tools.</summary>
public sealed class ToolListTests(PostgresFixture postgres)
{
    private const int MostBytes = 24 * 1024;
    private const int MostBytesWithoutAnswers = 10 * 1024;

    private static readonly string[] Default =
    [
        "add_memory", "search_memories", "get_memory", "list_memories", "update_memory", "delete_memory", "add_conversation", "search_code", "record_workflow", "memory_status",
    ];

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_list_is_the_approved_one_and_costs_little()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();

        var tools = await ListAsync(client);

        Assert.Equal(Default, Names(tools));
        Approved.Equal(tools.ToJsonString(Readable) + "\n", "tools.approved.json");
        // As it travels, escapes and all; and the same without what only programs read.
        var wire = await WireAsync(world);
        using var list = JsonDocument.Parse(wire);
        var answers = list.RootElement.GetProperty("result").GetProperty("tools").EnumerateArray().Sum(t => Encoding.UTF8.GetByteCount($",\"outputSchema\":{t.GetProperty("outputSchema").GetRawText()}"));
        Assert.InRange(Encoding.UTF8.GetByteCount(wire), 8 * 1024, MostBytes);
        Assert.InRange(Encoding.UTF8.GetByteCount(wire) - answers, 4 * 1024, MostBytesWithoutAnswers);
    }

    [Fact]
    public async Task Every_tool_says_when_to_call_it_what_it_does_to_the_store_and_what_it_answers()
    {
        await using var world = await McpWorld.StartAsync(postgres, ("Mcp:Profile", "admin"));
        await using var client = await world.ConnectAsync();

        foreach (var tool in await ListAsync(client))
        {
            var name = (string)tool!["name"]!;
            Assert.Matches("^[a-z]+(_[a-z]+)*$", name);
            // Some clients have a tool of their own by this name.
            Assert.NotEqual("search", name);
            Assert.Contains("Call it", (string)tool["description"]!, StringComparison.Ordinal);
            Assert.Equal("object", (string)tool["outputSchema"]!["type"]!);
            var effect = tool["annotations"]!;
            Assert.False((bool)effect["openWorldHint"]!);
            // What changes the store says whether it destroys and what a repetition does; of what reads, neither means anything.
            Assert.NotEqual((bool)effect["readOnlyHint"]!, effect["destructiveHint"] is not null);
            Assert.NotEqual((bool)effect["readOnlyHint"]!, effect["idempotentHint"] is not null);
        }
    }

    [Fact]
    public async Task Administration_is_shown_and_called_in_its_profile_only()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var admin = await McpWorld.StartAsync(postgres, ("Mcp:Profile", "admin"));
        await using var client = await world.ConnectAsync();
        await using var operatorsClient = await admin.ConnectAsync();

        var more = Names(await ListAsync(operatorsClient)).Except(Names(await ListAsync(client)), StringComparer.Ordinal);
        var refused = await Assert.ThrowsAsync<ModelContextProtocol.McpProtocolException>(() => client.AskAsync("evaluate"));

        Assert.Equal(["ingest_repository", "import", "evaluate", "share_insight", "erase"], more);
        Assert.Contains("There is no tool 'evaluate'", refused.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Names(JsonArray tools) => tools.Select(t => (string)t!["name"]!);

    /// <summary>The message of the list as a client of 2025 receives it.</summary>
    private static async Task<string> WireAsync(McpWorld world)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Resources.Mcp)
        {
            Content = new StringContent("""{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", Encoding.UTF8, "application/json"),
            Headers = { Accept = { new("application/json"), new("text/event-stream") } },
        };
        request.Headers.Add("MCP-Protocol-Version", "2025-11-25");
        using var answer = await world.Host.Http.SendAsync(request, TestContext.Current.CancellationToken);
        // event: message
        // data: {"result":{"tools":[…
        return (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split('\n').Single(l => l.StartsWith("data: ", StringComparison.Ordinal))["data: ".Length..];
    }

    private static async Task<JsonArray> ListAsync(McpClient client) =>
        JsonSerializer.SerializeToNode(
            (await client.ListToolsAsync(cancellationToken: TestContext.Current.CancellationToken)).Select(t => t.ProtocolTool), ModelContextProtocol.McpJsonUtilities.DefaultOptions)!.AsArray();
}

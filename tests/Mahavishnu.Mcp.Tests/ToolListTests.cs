using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Client;

namespace Mahavishnu.Mcp.Tests;

/// <summary>What every session of every agent pays for: the list of tools.</summary>
public sealed class ToolListTests(PostgresFixture postgres)
{
    private const int MostBytes = 24 * 1024;
    private const int MostBytesWithoutAnswers = 10 * 1024;

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_list_is_the_approved_one_and_costs_little()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();

        var tools = await ListAsync(client);

        Approved.Equal(tools.ToJsonString(Readable) + "\n", "tools.approved.json");
        Assert.InRange(Encoding.UTF8.GetByteCount(tools.ToJsonString()), 1, MostBytes);
        foreach (var tool in tools)
        {
            tool!.AsObject().Remove("outputSchema");
        }

        Assert.InRange(Encoding.UTF8.GetByteCount(tools.ToJsonString()), 1, MostBytesWithoutAnswers);
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
            Assert.False((bool)effect["readOnlyHint"]! && (bool)effect["destructiveHint"]!);
            Assert.NotNull(effect["idempotentHint"]);
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

        Assert.Equal(["ingest_repository", "import", "evaluate"], more);
        Assert.Contains("There is no tool 'evaluate'", refused.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Names(JsonArray tools) => tools.Select(t => (string)t!["name"]!);

    private static async Task<JsonArray> ListAsync(McpClient client) =>
        JsonSerializer.SerializeToNode(
            (await client.ListToolsAsync(cancellationToken: TestContext.Current.CancellationToken)).Select(t => t.ProtocolTool), ModelContextProtocol.McpJsonUtilities.DefaultOptions)!.AsArray();
}

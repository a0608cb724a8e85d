using Mahavishnu.Contracts;
using ModelContextProtocol.Protocol;

namespace Mahavishnu.Mcp.Tests;

/// <summary>What was valid when, what others may find, and what is gone for good.</summary>
public sealed class LifeOfMemoryTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_memory_that_supersedes_another_takes_its_place_and_the_former_is_found_where_it_is_asked_for()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        var before = (await client.AskAsync("add_memory", """{"content":"The tide gauge stands at quay 3.","occurredAt":"2026-01-01T00:00:00Z"}""")).Answer();
        var between = DateTimeOffset.UtcNow;
        var after = (await client.AskAsync("add_memory", $$"""{"content":"The tide gauge stands at quay 9.","supersedes":"{{(string)before["id"]!}}"}""")).Answer();

        var now = await HitsAsync("{}");
        var all = await HitsAsync("""{"includeSuperseded":true}""");
        var then = await HitsAsync($$"""{"asOf":"{{WireTime.Format(between)}}"}""");
        var missing = (await client.AskAsync("add_memory", """{"content":"x","supersedes":"0198c0de-0000-7000-8000-000000000000"}""")).Refusal();

        Assert.Equal([(string)after["id"]!], now.Select(h => h.Id));
        Assert.Equal(new[] { ((string)after["id"]!, (string?)null), ((string)before["id"]!, (string)after["id"]!) }.Order(), all.Order());
        Assert.Equal([(string)before["id"]!], then.Select(h => h.Id));
        Assert.Contains("0198c0de-0000-7000-8000-000000000000", missing, StringComparison.Ordinal);

        async Task<IReadOnlyList<(string Id, string? By)>> HitsAsync(string more)
        {
            var arguments = System.Text.Json.Nodes.JsonNode.Parse(more)!.AsObject();
            arguments["query"] = "where is the tide gauge?";
            arguments["mode"] = "text";
            return [.. (await client.AskAsync("search_memories", arguments.ToJsonString())).Answer()["hits"]!.AsArray().Select(h => ((string)h!["id"]!, (string?)h["supersededBy"]))];
        }
    }

    [Fact]
    public async Task What_is_erased_is_gone_and_only_after_a_yes()
    {
        await using var world = await McpWorld.StartAsync(postgres, ("Mcp:Profile", "admin"));
        await using var client = await world.ConnectAsync();
        var memory = await world.RememberAsync("The password is swordfish.");

        var unconfirmed = (await client.AskAsync("erase", $$"""{"id":"{{memory.Id}}"}""")).Refusal();
        var erased = (await client.AskAsync("erase", $$"""{"id":"{{memory.Id}}","confirm":"yes"}""")).Answer();
        var gone = (await client.AskAsync("get_memory", $$"""{"id":"{{memory.Id}}"}""")).Refusal();
        var back = (await client.AskAsync("delete_memory", $$"""{"id":"{{memory.Id}}","undo":true}""")).Refusal();

        Assert.Contains("confirm: is required. The value must be one of yes.", unconfirmed, StringComparison.Ordinal);
        Assert.True((bool)erased["erased"]!);
        Assert.Contains("There is no memory", gone, StringComparison.Ordinal);
        Assert.Contains("There is no", back, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_insight_is_shared_with_projects_and_groups_and_the_projects_prompts_say_what_goes_on()
    {
        await using var world = await McpWorld.StartAsync(postgres, ("Mcp:Profile", "admin"));
        await using var client = await world.ConnectAsync();
        var insight = await world.RememberAsync("Retries need jitter.", "billing", MemoryTypes.Insight);
        await new ProjectsClient(world.Host.Http).PutGroupAsync("backend", new PutProjectGroup { Members = ["orders"] }, Ct);
        await client.AskAsync("record_workflow", """{"workflowId":"nightly","goal":"Bill everybody","status":"failed","error":"No paper","projectId":"billing"}""");

        var shared = await client.AskAsync("share_insight", $$"""{"id":"{{insight.Id}}","projects":["shop"],"groups":["backend"],"by":"ada","reason":"They retry as well"}""");
        var nobody = (await client.AskAsync("share_insight", $$"""{"id":"{{insight.Id}}"}""")).Refusal();
        var review = Assert.IsType<TextContentBlock>(Assert.Single((await client.GetPromptAsync("review_project", new Dictionary<string, object?>(StringComparer.Ordinal) { ["projectId"] = "billing" }, cancellationToken: Ct)).Messages).Content).Text;

        Assert.Equal([("billing", "shared", null)], await AcrossAsync("shop"));
        Assert.Equal([("billing", "shared", "backend")], await AcrossAsync("orders"));
        Assert.Empty(await AcrossAsync("stranger"));
        var text = (await client.AskAsync("search_memories", """{"query":"retries","projectId":"orders","across":true}""")).Text();
        Assert.Contains(", project billing, shared: backend)", text, StringComparison.Ordinal);
        Assert.Equal(["backend", "shop"], shared.Answer()["shares"]!.AsArray().Select(s => (string?)s!["projectId"] ?? (string)s["groupId"]!).Order(StringComparer.Ordinal));
        Assert.Contains("the group backend", shared.Text(), StringComparison.Ordinal);
        Assert.Contains("projects", nobody, StringComparison.Ordinal);
        Assert.Contains("nightly failed 1 of 1 times, the last with: No paper", review, StringComparison.Ordinal);
        Assert.Contains("Retries need jitter.", review, StringComparison.Ordinal);

        async Task<IEnumerable<(string, string, string?)>> AcrossAsync(string project) =>
            (await client.AskAsync("search_memories", $$"""{"query":"retries","projectId":"{{project}}","across":true}""")).Answer()["hits"]!.AsArray()
                .Select(h => ((string)h!["projectId"]!, (string)h["scope"]!["reason"]!, (string?)h["scope"]!["via"]));
    }
}

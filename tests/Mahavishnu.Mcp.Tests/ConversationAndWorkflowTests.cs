using Mahavishnu.Contracts;
using ModelContextProtocol.Protocol;

namespace Mahavishnu.Mcp.Tests;

/// <summary>What agents say and run, stored and read again.</summary>
public sealed class ConversationAndWorkflowTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Turns_are_stored_once_listed_found_and_read_in_order()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        const string Turns = """{"sessionId":"demo/1 a","projectId":"harbour","agentId":"claude","messages":[{"role":"user","content":"Which quay is free?","clientId":"1"},{"role":"assistant","content":"The northern one, until dusk.","clientId":"2"}]}""";

        var added = (await client.AskAsync("add_conversation", Turns)).Answer();
        var again = await client.AskAsync("add_conversation", Turns);
        var found = (await client.AskAsync("search_memories", """{"query":"free quay","mode":"text","sessionId":"demo/1 a"}""")).Answer();
        var listed = Assert.Single(await client.ListResourcesAsync(cancellationToken: Ct));
        var read = await client.ReadResourceAsync((string)added["uri"]!, cancellationToken: Ct);
        var unescaped = await client.ReadResourceAsync("conversation://demo/1 a", cancellationToken: Ct);
        var missing = await Assert.ThrowsAsync<ModelContextProtocol.McpProtocolException>(async () => await client.ReadResourceAsync("conversation://demo", cancellationToken: Ct));

        Assert.Equal((2, 0, "conversation://demo%2F1%20a"), ((int)added["created"]!, (int)added["duplicate"]!, (string)added["uri"]!));
        Assert.Equal((0, 2), ((int)again.Answer()["created"]!, (int)again.Answer()["duplicate"]!));
        Assert.Contains("0 stored, 2 known already", again.Text(), StringComparison.Ordinal);
        Assert.Contains("Which quay is free?", found["hits"]!.AsArray().Select(h => (string)h!["content"]!));
        Assert.Equal(((string)added["uri"]!, "demo/1 a"), (listed.Uri, listed.Name));
        Assert.Contains("2 turns", listed.Description, StringComparison.Ordinal);
        Assert.Contains("Which quay is free?", listed.Description, StringComparison.Ordinal);
        var text = Assert.IsType<TextResourceContents>(Assert.Single(read.Contents)).Text;
        Assert.Matches(@"^\[1 user [^\]]+\]\nWhich quay is free\?\n\n\[2 assistant [^\]]+\]\nThe northern one, until dusk\.\n", text);
        Assert.Equal(text, Assert.IsType<TextResourceContents>(Assert.Single(unescaped.Contents)).Text);
        Assert.Contains("There is no conversation 'demo'", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_conversation_is_read_over_many_pages_and_many_are_listed_in_pages()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        var conversations = new ConversationsClient(world.Host.Http);
        await conversations.AddAsync("long", [.. Enumerable.Range(1, 450).Select(i => new NewMessage { Role = "user", Content = $"turn {i}." })], ct: Ct);
        foreach (var number in Enumerable.Range(0, 60))
        {
            await conversations.AddAsync($"short-{number}", [new NewMessage { Role = "user", Content = "Hello." }], ct: Ct);
        }

        var read = Assert.IsType<TextResourceContents>(Assert.Single((await client.ReadResourceAsync("conversation://long", cancellationToken: Ct)).Contents)).Text;
        // The client asks for page after page.
        var listed = await client.ListResourcesAsync(cancellationToken: Ct);

        Assert.Equal(Enumerable.Range(1, 450).Select(i => $"turn {i}."), read.Split('\n').Where(l => l.StartsWith("turn", StringComparison.Ordinal)));
        Assert.Equal(61, listed.Select(r => r.Uri).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task A_turn_that_cannot_be_stored_is_named_and_the_others_are_stored()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        await client.AskAsync("add_conversation", """{"sessionId":"s","messages":[{"role":"user","content":"One.","clientId":"1"}]}""");

        var some = await client.AskAsync("add_conversation", """{"sessionId":"s","messages":[{"role":"user","content":"Other.","clientId":"1"},{"role":"user","content":"Two."}]}""");
        var none = (await client.AskAsync("add_conversation", """{"sessionId":"s","messages":[{"role":"user","content":"Other.","clientId":"1"}]}""")).Refusal();

        Assert.Equal((1, 0), ((int)some.Answer()["created"]!, (int)some.Answer()["refused"]![0]!["index"]!));
        Assert.Contains("Not stored: messages[0].clientId: The id '1' names turn 1", some.Text(), StringComparison.Ordinal);
        Assert.StartsWith("messages[0].clientId: The id '1' names turn 1", none, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_is_recorded_as_a_whole_or_at_its_beginning_and_its_end()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        var workflows = new WorkflowsClient(world.Host.Http);

        var whole = (await client.AskAsync(
            "record_workflow",
            """{"workflowId":"release","goal":"Release 2.1","status":"failed","error":"The signing key had expired","repos":["shop"],"startedAt":"2026-01-31T12:00:00Z"}""")).Answer();
        var begun = await client.AskAsync("record_workflow", """{"workflowId":"release","goal":"Release 2.2","status":"running","id":"null"}""");
        var id = (string)begun.Answer()["id"]!;
        var ended = (await client.AskAsync("record_workflow", $$"""{"id":"{{id}}","workflowId":"release","goal":"Release 2.2","status":"completed","result":"Renewed the key first"}""")).Answer();
        var repeated = (await client.AskAsync("record_workflow", $$"""{"id":"{{id}}","workflowId":"release","goal":"Release 2.2","status":"completed","result":"Renewed the key first"}""")).Answer();
        var contradicted = (await client.AskAsync("record_workflow", $$"""{"id":"{{id}}","workflowId":"release","goal":"Release 2.2","status":"cancelled"}""")).Refusal();
        var found = (await client.AskAsync("search_memories", """{"query":"release signing key expired","types":["workflow"]}""")).Answer();
        var memory = await client.ReadResourceAsync((string)whole["uri"]!, cancellationToken: Ct);

        Assert.Equal("failed", (string)whole["status"]!);
        Assert.InRange((double)whole["durationSeconds"]!, 60, double.MaxValue);
        Assert.Contains($"Call again with id {id}", begun.Text(), StringComparison.Ordinal);
        Assert.Equal((id, "completed"), ((string)ended["id"]!, (string)ended["status"]!));
        Assert.Equal(id, (string)repeated["id"]!);
        Assert.Contains("it cannot become cancelled", contradicted, StringComparison.Ordinal);
        Assert.Equal((string)whole["id"]!, (string)found["hits"]![0]!["id"]!);
        Assert.Contains("The signing key had expired", Assert.IsType<TextResourceContents>(Assert.Single(memory.Contents)).Text, StringComparison.Ordinal);
        Assert.Equal("Renewed the key first", (await workflows.GetAsync(Guid.Parse(id), Ct)).Result!.Value.GetString());
    }

    [Theory]
    [InlineData("failed", "error")]
    [InlineData("cancelled", "error")]
    public async Task A_run_that_did_not_succeed_says_why(string status, string field)
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        var id = (string)(await client.AskAsync("record_workflow", """{"workflowId":"w","goal":"g","status":"running"}""")).Answer()["id"]!;

        var ended = (await client.AskAsync("record_workflow", $$"""{"id":"{{id}}","workflowId":"w","goal":"g","status":"{{status}}","{{field}}":"because"}""")).Answer();

        Assert.Equal(status, (string)ended["status"]!);
        Assert.Equal("because", (await new WorkflowsClient(world.Host.Http).GetAsync(Guid.Parse(id), Ct)).Error);
    }

    [Fact]
    public async Task Another_run_by_the_same_id_is_left_alone()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        var id = (string)(await client.AskAsync("record_workflow", """{"workflowId":"w","goal":"g","status":"running"}""")).Answer()["id"]!;

        var refused = (await client.AskAsync("record_workflow", $$"""{"id":"{{id}}","workflowId":"w","goal":"something else","status":"completed"}""")).Refusal();

        Assert.Contains("The id exists with another workflow, adapter or goal.", refused, StringComparison.Ordinal);
        Assert.Equal(WorkflowStatuses.Running, (await new WorkflowsClient(world.Host.Http).GetAsync(Guid.Parse(id), Ct)).Status);
    }
}

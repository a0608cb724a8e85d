using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp.Tests;

/// <summary>A call that is wrong says which argument and what it takes; nothing is guessed and nothing widened.</summary>
public sealed class BadArgumentTests(PostgresFixture postgres)
{
    // Tool, arguments, what is said.
    private static readonly (string Tool, string Arguments, string Said)[] Wrong =
    [
        ("search_memories", "{}", "query: is required."),
        ("search_memories", """{"query":""}""", "query: is required."),
        ("search_memories", """{"query":7}""", "query: The value must be a text."),
        ("search_memories", """{"query":"x","limit":"ten"}""", "limit: The value must be a whole number from 1 to 200."),
        ("search_memories", """{"query":"x","limit":2.5}""", "limit: The value must be a whole number from 1 to 200."),
        ("search_memories", """{"query":"x","top_k":0}""", "limit: The value must be a whole number from 1 to 200."),
        ("search_memories", """{"query":"x","top_k":3,"limit":4}""", "the same as limit"),
        ("search_memories", """{"query":"x","kinds":["agent"]}""", "kinds: there is no such argument; there are query, limit, mode, types"),
        ("search_memories", """{"query":"x","types":["note"]}""", "types[0]: The value must be one of agent, rag, workflow, insight."),
        ("search_memories", """{"query":"x","types":"agent"}""", "types: The value must be a list; of each item: The value must be one of agent"),
        ("search_memories", """{"query":"x","tags":[null]}""", "tags[0]: The value must be a text."),
        ("search_memories", """{"query":"x","after":"yesterday"}""", "after: The value must be an ISO 8601 time such as"),
        ("search_memories", """{"query":"x","projectId":42}""", "projectId: The value must be a text."),
        ("search_memories", """{"query":"x","across":true}""", "across: needs projectId"),
        ("search_memories", """{"query":"x","across":true,"projectId":"null"}""", "across: needs projectId"),
        ("search_memories", """{"query":"x","filter":"tags=a"}""", "filter: The value must be an object."),
        ("search_memories", """{"query":"x","filter":{"field":"tags","op":"like","value":"a"}}""", "filter.op: 'like' is not an operator"),
        ("search_memories", """{"query":"x","explain":"yes"}""", "explain: The value must be true or false."),
        ("get_memory", """{"id":"0198"}""", "id: The value must be a UUID such as"),
        ("get_memory", """{"id":"null"}""", "id: is required."),
        ("get_memory", """{"id":"{0198c0de-0000-7000-8000-000000000000}"}""", "id: The value must be a UUID such as"),
        ("memory_status", """{"operationId":"latest"}""", "operationId: The value must be a UUID such as"),
        ("add_memory", """{"content":"x","id":"my-id"}""", "id: The value must be a UUID such as"),
        ("add_memory", """{"content":"x","metadata":[1]}""", "metadata: The value must be an object."),
        ("update_memory", """{"id":"0198c0de-0000-7000-8000-000000000000"}""", "Nothing to change"),
        ("update_memory", """{"id":"0198c0de-0000-7000-8000-000000000000","title":"a","clear":["title"]}""", "clear: title is given a value in the same call."),
        ("list_memories", """{"cursor":"made-up"}""", "cursor"),
        ("add_conversation", """{"sessionId":"null","messages":[{"role":"user","content":"x"}]}""", "sessionId: is required."),
        ("add_conversation", """{"sessionId":"s"}""", "messages: is required. The value must be a list of at least 1"),
        ("add_conversation", """{"sessionId":"s","messages":[]}""", "messages: The value must be a list of at least 1"),
        ("add_conversation", """{"sessionId":"s","messages":["hello"]}""", "messages[0]: The value must be an object."),
        ("add_conversation", """{"sessionId":"s","messages":[{"role":"human","content":"x"}]}""", "messages[0].role: The value must be one of system, user, assistant, tool."),
        ("add_conversation", """{"sessionId":"s","messages":[{"role":"user","content":"x"},{"role":"user","content":""}]}""", "messages[1].content: is required."),
        ("add_conversation", """{"sessionId":"s","messages":[{"role":"user","content":"x","text":"y"}]}""", "messages[0].text: there is no such argument; there are role, content, clientId, occurredAt."),
        ("add_conversation", """{"sessionId":"undefined","messages":[{"role":"user","content":"x"}]}""", "sessionId"),
        ("record_workflow", "{}", "workflowId: is required."),
        ("record_workflow", """{"workflowId":"release","goal":"Release 2","status":"done"}""", "status: The value must be one of pending, running, completed, failed, cancelled."),
        ("record_workflow", """{"workflowId":"release","goal":"Release 2","status":"failed"}""", "error: "),
        ("record_workflow", """{"workflowId":"release","goal":"Release 2","status":"completed","id":"17"}""", "id: The value must be a UUID such as"),
        ("record_workflow", """{"workflowId":"release","goal":"Release 2","status":"completed","startedAt":"noon"}""", "startedAt: The value must be an ISO 8601 time"),
    ];

    [Fact]
    public async Task A_wrong_argument_is_named_with_what_it_takes()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();

        foreach (var (tool, arguments, said) in Wrong)
        {
            Assert.Contains(said, (await client.AskAsync(tool, arguments)).Refusal(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task All_that_is_wrong_is_said_at_once()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();

        var said = (await client.AskAsync("search_memories", """{"limit":0,"mode":"fuzzy","kinds":[]}""")).Refusal().Split('\n');

        Assert.Equal(["limit", "mode", "kinds", "query"], said.Select(s => s.Split(':')[0]));
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("\" \"")]
    [InlineData("\"null\"")]
    [InlineData("null")]
    public async Task An_empty_or_null_optional_id_is_as_good_as_none(string value)
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        await world.RememberAsync("Ferries leave at noon.", project: "harbour");

        var stored = (await client.AskAsync("add_memory", $$"""{"content":"Ferries return at dusk.","projectId":{{value}},"sessionId":{{value}},"id":{{value}},"type":{{value}},"occurredAt":{{value}}}""")).Answer();
        var found = (await client.AskAsync("search_memories", $$"""{"query":"ferries noon","mode":"text","projectId":{{value}},"repoId":{{value}},"sessionId":{{value}}}""")).Answer();

        var memory = await world.Memories.GetAsync((Guid)stored["id"]!, TestContext.Current.CancellationToken);
        Assert.Equal((null, null, MemoryTypes.Agent), (memory.ProjectId, memory.SessionId, memory.Type));
        Assert.Contains("Ferries leave at noon.", found["hits"]!.AsArray().Select(h => (string)h!["content"]!));
    }

    [Fact]
    public async Task Every_id_of_every_tool_is_refused_if_it_is_none_and_counts_as_left_out_if_it_is_empty()
    {
        await using var world = await McpWorld.StartAsync(postgres, ("Mcp:Profile", "admin"));
        await using var client = await world.ConnectAsync();
        var (ids, names) = (0, 0);
        foreach (var tool in await client.ListToolsAsync(cancellationToken: TestContext.Current.CancellationToken))
        {
            foreach (var property in tool.JsonSchema.GetProperty("properties").EnumerateObject().Where(p => p.Name == "id" || p.Name.EndsWith("Id", StringComparison.Ordinal) || p.Value.TryGetProperty("format", out _)))
            {
                var isId = property.Value.TryGetProperty("format", out var format) && format.GetString() == "uuid";
                string[] malformed = isId
                    ? ["42", "true", "[]", "{}", "\"42\"", "\"undefined\"", "\"none\"", "\"*\"", "\"00000000-0000-0000-0000-000000000000\"", "\"0198c0de000070008000000000000000\"", "\"0198c0de-0000-7000-8000-00000000000\""]
                    : ["42", "true", "[]", "{}", "[\"a\"]"];
                foreach (var value in malformed)
                {
                    var said = (await client.AskAsync(tool.Name, $$"""{"{{property.Name}}":{{value}}}""")).Refusal().Split('\n');
                    Assert.Contains(said, line => line.StartsWith($"{property.Name}: The value must be ", StringComparison.Ordinal));
                }

                foreach (var value in (string[])["null", "\"\"", "\"  \"", "\"null\"", "\"NULL\""])
                {
                    var result = await client.AskAsync(tool.Name, $$"""{"{{property.Name}}":{{value}}}""");
                    Assert.DoesNotContain($"{property.Name}: The value", result.Text(), StringComparison.Ordinal);
                }

                (ids, names) = isId ? (ids + 1, names) : (ids, names + 1);
            }
        }

        Assert.True(ids >= 9 && names >= 20, $"{ids} ids, {names} names and times");
    }

    [Fact]
    public async Task An_id_that_nothing_has_finds_nothing_rather_than_everything()
    {
        await using var world = await McpWorld.StartAsync(postgres);
        await using var client = await world.ConnectAsync();
        await world.RememberAsync("Ferries leave at noon.", project: "harbour");

        var found = (await client.AskAsync("search_memories", """{"query":"ferries","projectId":"undefined"}""")).Answer();

        Assert.Empty(found["hits"]!.AsArray());
    }
}

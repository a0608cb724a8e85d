using System.Net;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>What must be refused, and how: a message by itself, a request as a whole.</summary>
public sealed class ConversationBadInputTests(BadInputTests.Server server) : IClassFixture<BadInputTests.Server>
{
    private HttpClient Http => server.Host.Http;

    [Theory]
    [InlineData("""{}""", "role")]
    [InlineData("""{"role":"User","content":"x"}""", "role")]
    [InlineData("""{"role":5,"content":"x"}""", "role")]
    [InlineData("""{"role":"user"}""", "content")]
    [InlineData("""{"role":"user","content":" "}""", "content")]
    [InlineData("""{"role":"user","content":["x"]}""", "content")]
    [InlineData("""{"role":"user","content":"x","clientId":""}""", "clientId")]
    [InlineData("""{"role":"user","content":"x","clientId":7}""", "clientId")]
    [InlineData("""{"role":"user","content":"x","occurredAt":"yesterday"}""", "occurredAt")]
    [InlineData("""{"role":"user","content":"x","occurredAt":"0001-01-01T00:00:00Z"}""", "occurredAt")]
    [InlineData("""{"role":"user","content":"x","tags":[""]}""", "tags[0]")]
    [InlineData("""{"role":"user","content":"x","metadata":[]}""", "metadata")]
    [InlineData("""{"role":"user","content":"x","metadata":{"role":"assistant"}}""", "metadata.role")]
    [InlineData("""{"role":"user","content":"x","colour":"red"}""", "colour")]
    [InlineData("""null""", null)]
    [InlineData("""7""", null)]
    public async Task A_message_that_is_not_right_fails_alone_and_names_its_field(string message, string? field)
    {
        var session = $"s {Guid.NewGuid()}";

        var answer = await Http.PostAsync($"/conversations/{session}/messages", $$"""{"messages":[{"role":"user","content":"before"},{{message}},{"role":"user","content":"after","metadata":{"role":"user"} }]}""");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(["created", "error", "created"], answer.Body!["messages"]!.AsArray().Select(m => (string?)m!["status"]));
        Assert.Equal(field, (string?)answer.Body["messages"]![1]!["error"]!["field"]);
        Assert.Equal(["before", "after"], (await Http.FetchAsync($"/conversations/{session}/messages")).Body!["items"]!.AsArray().Select(m => (string?)m!["content"]));
    }

    [Theory]
    [InlineData("s", """{}""", "messages")]
    [InlineData("s", """{"messages":[]}""", "messages")]
    [InlineData("s", """{"messages":{}}""", "messages")]
    [InlineData("s", """{"messages":[{"role":"user","content":"x"}],"agentId":""}""", "agentId")]
    [InlineData("s", """{"messages":[{"role":"user","content":"x"}],"projectId":" "}""", "projectId")]
    [InlineData("s", """{"messages":[{"role":"user","content":"x"}],"source":""}""", "source")]
    [InlineData("s", """{"messages":[{"role":"user","content":"x"}],"sessionId":"s"}""", "sessionId")]
    [InlineData("s", """{"messages":[{"role":"user","content":"x"}]""", "body")]
    [InlineData("null", """{"messages":[{"role":"user","content":"x"}]}""", "sessionId")]
    [InlineData("undefined", """{"messages":[{"role":"user","content":"x"}]}""", "sessionId")]
    [InlineData("%20", """{"messages":[{"role":"user","content":"x"}]}""", "sessionId")]
    public async Task A_request_that_is_not_right_as_a_whole_stores_nothing(string session, string body, string field)
    {
        var answer = await Http.PostAsync($"/conversations/{session}/messages", body);

        Assert.Equal((HttpStatusCode.BadRequest, field), (answer.Status, Assert.Single(answer.Fields)));
    }

    [Fact]
    public async Task A_request_has_at_most_a_thousand_messages_and_a_name_at_most_five_hundred_characters()
    {
        JsonArray Messages(int count) => [.. Enumerable.Range(0, count).Select(i => new JsonObject { ["role"] = "user", ["content"] = $"{i}" })];

        Assert.Equal(["messages"], (await Http.PostAsync("/conversations/many/messages", new JsonObject { ["messages"] = Messages(1_001) })).Fields);
        Assert.Equal(HttpStatusCode.OK, (await Http.PostAsync($"/conversations/{new string('s', 500)}/messages", new JsonObject { ["messages"] = Messages(1) })).Status);
        Assert.Equal(["sessionId"], (await Http.PostAsync($"/conversations/{new string('s', 501)}/messages", new JsonObject { ["messages"] = Messages(1) })).Fields);
    }

    [Theory]
    [InlineData("/conversations?limit=0", "limit", ErrorCodes.InvalidRequest)]
    [InlineData("/conversations?after=yesterday", "after", ErrorCodes.InvalidRequest)]
    [InlineData("/conversations?projectId=", "projectId", ErrorCodes.InvalidRequest)]
    [InlineData("/conversations?sessionId=s", "sessionId", ErrorCodes.UnknownProperty)]
    [InlineData("/conversations?cursor=abc", "cursor", ErrorCodes.InvalidCursor)]
    [InlineData("/conversations/null", "sessionId", ErrorCodes.InvalidRequest)]
    [InlineData("/conversations/s?x=1", "x", ErrorCodes.UnknownProperty)]
    [InlineData("/conversations/s/messages?role=human", "role", ErrorCodes.InvalidRequest)]
    [InlineData("/conversations/s/messages?order=up", "order", ErrorCodes.InvalidRequest)]
    [InlineData("/conversations/s/messages?limit=1001", "limit", ErrorCodes.InvalidRequest)]
    [InlineData("/conversations/s/messages?cursor=abc", "cursor", ErrorCodes.InvalidCursor)]
    [InlineData("/conversations/s/messages?around=abc", "around", ErrorCodes.InvalidRequest)]
    [InlineData("/conversations/s/messages?before=2", "before", ErrorCodes.InvalidRequest)]
    [InlineData("/conversations/s/messages?around=0198c0de-0000-7000-8000-000000000000&after=51", "after", ErrorCodes.InvalidRequest)]
    [InlineData("/conversations/s/messages?around=0198c0de-0000-7000-8000-000000000000&limit=5", "around", ErrorCodes.InvalidRequest)]
    public async Task A_wrong_path_or_query_names_its_parameter(string path, string field, string code)
    {
        var answer = await Http.FetchAsync(path);

        Assert.Equal((HttpStatusCode.BadRequest, code), (answer.Status, answer.Code));
        Assert.Equal([field], answer.Fields);
    }

    [Fact]
    public async Task A_cursor_is_of_one_conversation_and_one_order()
    {
        foreach (var session in (string[])["c1", "c2"])
        {
            await Http.PostAsync($"/conversations/{session}/messages", """{"messages":[{"role":"user","content":"x"},{"role":"user","content":"y"}]}""");
        }

        var cursor = (string?)(await Http.FetchAsync("/conversations/c1/messages?limit=1")).Body!["nextCursor"];

        Assert.Equal(HttpStatusCode.OK, (await Http.FetchAsync($"/conversations/c1/messages?cursor={cursor}")).Status);
        Assert.Equal(ErrorCodes.InvalidCursor, (await Http.FetchAsync($"/conversations/c2/messages?cursor={cursor}")).Code);
        Assert.Equal(ErrorCodes.InvalidCursor, (await Http.FetchAsync($"/conversations/c1/messages?order=desc&cursor={cursor}")).Code);
    }
}

using System.Net;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>What must be refused of executions, and how.</summary>
public sealed class WorkflowBadInputTests(BadInputTests.Server server) : IClassFixture<BadInputTests.Server>
{
    private HttpClient Http => server.Host.Http;

    [Theory]
    [InlineData("""{"workflowId":null}""", "workflowId")]
    [InlineData("""{"workflowId":" "}""", "workflowId")]
    [InlineData("""{"adapter":null}""", "adapter")]
    [InlineData("""{"goal":null}""", "goal")]
    [InlineData("""{"goal":" \n"}""", "goal")]
    [InlineData("""{"id":"42"}""", "id")]
    [InlineData("""{"status":"done"}""", "status")]
    [InlineData("""{"repos":["a",""]}""", "repos[1]")]
    [InlineData("""{"repos":[null]}""", "repos[0]")]
    [InlineData("""{"repos":"a"}""", "repos")]
    [InlineData("""{"input":1e400}""", "input")]
    [InlineData("""{"result":1}""", "result")]
    [InlineData("""{"error":"e"}""", "error")]
    [InlineData("""{"finishedAt":"2026-01-31T12:00:00Z"}""", "finishedAt")]
    [InlineData("""{"durationSeconds":1}""", "durationSeconds")]
    [InlineData("""{"status":"completed","durationSeconds":-1}""", "durationSeconds")]
    [InlineData("""{"status":"completed","durationSeconds":1e300}""", "durationSeconds")]
    [InlineData("""{"status":"completed","error":"e"}""", "error")]
    [InlineData("""{"status":"failed"}""", "error")]
    [InlineData("""{"status":"failed","error":" "}""", "error")]
    [InlineData("""{"status":"pending","startedAt":"2026-01-31T12:00:00Z"}""", "startedAt")]
    [InlineData("""{"status":"completed","startedAt":"2026-01-31T12:00:00Z","finishedAt":"2026-01-31T11:00:00Z"}""", "finishedAt")]
    [InlineData("""{"startedAt":"noon"}""", "startedAt")]
    [InlineData("""{"tags":[""]}""", "tags[0]")]
    [InlineData("""{"metadata":[]}""", "metadata")]
    [InlineData("""{"metadata":{"status":"great"}}""", "metadata.status")]
    [InlineData("""{"projectId":""}""", "projectId")]
    [InlineData("""{"colour":"red"}""", "colour")]
    public async Task An_execution_that_is_not_right_names_its_field(string change, string field)
    {
        var body = new JsonObject { ["workflowId"] = "w", ["adapter"] = "agno", ["goal"] = "g" };
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
        {
            body[name] = value?.DeepClone();
        }

        var answer = await Http.PostAsync("/workflows", body);

        Assert.Equal((HttpStatusCode.BadRequest, field), (answer.Status, Assert.Single(answer.Fields)));
    }

    [Theory]
    [InlineData("goal", WorkflowLimits.Goal)]
    [InlineData("input", WorkflowLimits.PayloadBytes - 2)]
    [InlineData("workflowId", MemoryLimits.NameLength)]
    public async Task What_is_longer_than_its_limit_is_refused_and_never_cut(string field, int limit)
    {
        var body = new JsonObject { ["workflowId"] = "w", ["adapter"] = "agno", ["goal"] = "g", [field] = new string('x', limit) };
        Assert.Equal(HttpStatusCode.Created, (await Http.PostAsync("/workflows", body)).Status);

        body[field] = new string('x', limit + 1);
        Assert.Equal([field], (await Http.PostAsync("/workflows", body)).Fields);
    }

    [Theory]
    [InlineData("finish", """{"result":1e400}""", "result")]
    [InlineData("finish", """{"durationSeconds":-1}""", "durationSeconds")]
    [InlineData("finish", """{"finishedAt":"2026-01-31T11:00:00Z"}""", "finishedAt")]
    [InlineData("finish", """{"error":"e"}""", "error")]
    [InlineData("fail", """{}""", "error")]
    [InlineData("fail", """{"error":""}""", "error")]
    [InlineData("fail", "", "body")]
    [InlineData("cancel", """{"reason":" "}""", "reason")]
    [InlineData("start", """{"startedAt":"noon"}""", "startedAt")]
    public async Task An_end_that_is_not_right_names_its_field_and_ends_nothing(string verb, string body, string field)
    {
        var id = (await Http.PostAsync("/workflows", """{"workflowId":"w","adapter":"agno","goal":"g","startedAt":"2026-01-31T12:00:00Z"}""")).Id;

        var answer = await Http.PostAsync($"/workflows/{id}:{verb}", body);

        Assert.Equal((HttpStatusCode.BadRequest, field), (answer.Status, Assert.Single(answer.Fields)));
        Assert.Equal("running", (string?)(await Http.FetchAsync($"/workflows/{id}")).Body!["status"]);
    }

    [Theory]
    [InlineData("/workflows?status=done", "status", ErrorCodes.InvalidRequest)]
    [InlineData("/workflows?limit=0", "limit", ErrorCodes.InvalidRequest)]
    [InlineData("/workflows?after=noon", "after", ErrorCodes.InvalidRequest)]
    [InlineData("/workflows?repoId=", "repoId", ErrorCodes.InvalidRequest)]
    [InlineData("/workflows?colour=red", "colour", ErrorCodes.UnknownProperty)]
    [InlineData("/workflows?cursor=abc", "cursor", ErrorCodes.InvalidCursor)]
    [InlineData("/workflows/not-a-uuid", "id", ErrorCodes.InvalidRequest)]
    [InlineData("/workflows/0198c0de-0000-7000-8000-000000000000?x=1", "x", ErrorCodes.UnknownProperty)]
    public async Task A_wrong_path_or_query_names_its_parameter(string path, string field, string code)
    {
        var answer = await Http.FetchAsync(path);

        Assert.Equal((HttpStatusCode.BadRequest, code), (answer.Status, answer.Code));
        Assert.Equal([field], answer.Fields);
    }

    [Fact]
    public async Task What_is_not_there_is_not_found()
    {
        var id = Guid.CreateVersion7();
        foreach (var (method, path) in ((HttpMethod, string)[])[
            (HttpMethod.Get, $"/workflows/{id}"), (HttpMethod.Post, $"/workflows/{id}:start"), (HttpMethod.Post, $"/workflows/{id}:finish"), (HttpMethod.Post, $"/workflows/{id}:cancel")])
        {
            var answer = await Http.AskAsync(method, path);
            Assert.Equal((HttpStatusCode.NotFound, ErrorCodes.NotFound), (answer.Status, answer.Code));
        }
    }
}

using System.Net;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>What must be refused of projects and what connects them, and how.</summary>
public sealed class ProjectBadInputTests(BadInputTests.Server server) : IClassFixture<BadInputTests.Server>
{
    private HttpClient Http => server.Host.Http;

    [Theory]
    [InlineData("PUT", "/projects/shop", """{"name":" "}""", "name")]
    [InlineData("PUT", "/projects/shop", """{"path":""}""", "path")]
    [InlineData("PUT", "/projects/shop", """{"role":""}""", "role")]
    [InlineData("PUT", "/projects/shop", """{"tags":["a",""]}""", "tags[1]")]
    [InlineData("PUT", "/projects/shop", """{"metadata":[]}""", "metadata")]
    [InlineData("PUT", "/projects/shop", """{"colour":"red"}""", "colour")]
    [InlineData("PUT", "/projects/null", "{}", "id")]
    [InlineData("PUT", "/project-groups/g", """{"members":["a",null]}""", "members[1]")]
    [InlineData("PUT", "/project-groups/g", """{"members":[" "]}""", "members[0]")]
    [InlineData("PUT", "/project-groups/g/members/undefined", "", "projectId")]
    [InlineData("POST", "/dependencies", """{"target":"b"}""", "source")]
    [InlineData("POST", "/dependencies", """{"source":"a"}""", "target")]
    [InlineData("POST", "/dependencies", """{"source":"a","target":"a"}""", "target")]
    [InlineData("POST", "/dependencies", """{"source":"a","target":"b","kind":""}""", "kind")]
    [InlineData("POST", "/session-links", """{"source":"s","target":"s"}""", "target")]
    [InlineData("POST", "/session-links", """{"source":"s","target":""}""", "target")]
    [InlineData("POST", "/insights/0198c0de-0000-7000-8000-000000000000:share", "{}", "projects")]
    [InlineData("POST", "/insights/0198c0de-0000-7000-8000-000000000000:share", """{"projects":[""]}""", "projects[0]")]
    [InlineData("POST", "/insights/0198c0de-0000-7000-8000-000000000000:share", """{"projects":["p"],"by":" "}""", "by")]
    [InlineData("POST", "/insights/42:share", """{"projects":["p"]}""", "id")]
    [InlineData("GET", "/projects?limit=0", "", "limit")]
    [InlineData("GET", "/projects?cursor=abc", "", "cursor")]
    [InlineData("GET", "/projects?name=x", "", "name")]
    [InlineData("GET", "/project-groups?project=", "", "project")]
    [InlineData("GET", "/dependencies?direction=up", "", "direction")]
    [InlineData("GET", "/dependencies?cursor=AAAA", "", "cursor")]
    [InlineData("GET", "/session-links?session=", "", "session")]
    [InlineData("DELETE", "/insights/0198c0de-0000-7000-8000-000000000000/shares/7", "", "shareId")]
    public async Task What_is_not_right_names_its_field(string method, string path, string body, string field)
    {
        var answer = await Http.AskAsync(new HttpMethod(method), path, body.Length == 0 ? null : Asking.Content(body, "application/json"));

        Assert.Equal((HttpStatusCode.BadRequest, field), (answer.Status, Assert.Single(answer.Fields)));
    }

    [Theory]
    [InlineData("description", ProjectLimits.Text)]
    [InlineData("name", MemoryLimits.NameLength)]
    public async Task What_is_longer_than_its_limit_is_refused_and_never_cut(string field, int limit)
    {
        var fits = await PutAsync(new string('x', limit));
        var longer = await PutAsync(new string('x', limit + 1));

        Assert.Equal(limit, ((string)fits.Body![field]!).Length);
        Assert.Equal([field], longer.Fields);

        Task<Answer> PutAsync(string value) =>
            Http.AskAsync(HttpMethod.Put, "/projects/long", Asking.Content(new JsonObject { [field] = value }.ToJsonString(), "application/json"));
    }

    [Theory]
    [InlineData("GET", "/projects/nowhere")]
    [InlineData("DELETE", "/projects/nowhere")]
    [InlineData("GET", "/project-groups/nowhere")]
    [InlineData("DELETE", "/project-groups/nowhere")]
    [InlineData("PUT", "/project-groups/nowhere/members/p")]
    [InlineData("DELETE", "/project-groups/nowhere/members/p")]
    [InlineData("GET", "/dependencies/nowhere")]
    [InlineData("DELETE", "/dependencies/nowhere")]
    [InlineData("GET", "/session-links/nowhere")]
    [InlineData("DELETE", "/session-links/nowhere")]
    [InlineData("GET", "/insights/0198c0de-0000-7000-8000-000000000000/shares")]
    [InlineData("DELETE", "/insights/0198c0de-0000-7000-8000-000000000000/shares/0198c0de-0000-7000-8000-000000000001")]
    public async Task What_is_not_there_is_not_found(string method, string path)
    {
        var answer = await Http.AskAsync(new HttpMethod(method), path);

        Assert.Equal((HttpStatusCode.NotFound, ErrorCodes.NotFound), (answer.Status, answer.Code));
    }
}

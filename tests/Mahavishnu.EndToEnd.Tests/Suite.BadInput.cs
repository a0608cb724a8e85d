using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

public abstract partial class Suite
{
    private const string SomeId = "0198c0de-0000-7000-8000-000000000000";

    // Text that means something to SQL, to format strings, to shells, to pages and to loggers, and here means itself.
    private const string Nasty = """'; DROP TABLE memories; -- $1 {0} %s %n \' "x" <script>alert(1)</script> ${jndi:ldap://x} `id` $(id) ../..""";

    private static readonly HashSet<string> KnownCodes =
        [.. typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (string)f.GetRawConstantValue()!)];

    [Theory]
    [InlineData("POST", "memories", """{"content":""}""", 400, "content", "invalid_request")]
    [InlineData("POST", "memories", """{}""", 400, "content", "invalid_request")]
    [InlineData("POST", "memories", """{"content":"x","type":"dream"}""", 400, "type", "invalid_request")]
    [InlineData("POST", "memories", """{"content":"x","id":"42"}""", 400, "id", "invalid_request")]
    [InlineData("POST", "memories", """{"content":"x","colour":"red"}""", 400, "colour", "unknown_property")]
    [InlineData("POST", "memories", """{"content":"x" """, 400, "body", "malformed_json")]
    [InlineData("POST", "memories", """{"content":"x","tags":["a",""]}""", 400, "tags[1]", "invalid_request")]
    [InlineData("POST", "memories:batch", """{"memories":[],"mode":"replace"}""", 400, "mode", "invalid_request")]
    [InlineData("POST", "memories:batch", """{"mode":"insert"}""", 400, "memories", "invalid_request")]
    [InlineData("POST", "memories:batch", """{"memories":[{"content":"x"}""", 400, "body", "malformed_json")]
    [InlineData("GET", "memories?limit=0", null, 400, "limit", "invalid_request")]
    [InlineData("GET", "memories?limit=5000", null, 400, "limit", "invalid_request")]
    [InlineData("GET", "memories?cursor=abc", null, 400, "cursor", "invalid_cursor")]
    [InlineData("GET", "memories?colour=red", null, 400, "colour", "unknown_property")]
    [InlineData("GET", "memories?type=dream", null, 400, "type", "invalid_request")]
    [InlineData("GET", "memories/42", null, 400, "id", "invalid_request")]
    [InlineData("GET", "memories/42/history", null, 400, "id", "invalid_request")]
    [InlineData("DELETE", "memories/42", null, 400, "id", "invalid_request")]
    [InlineData("POST", "memories/42:restore", null, 400, "id", "invalid_request")]
    [InlineData("PATCH", "memories/" + SomeId, """{"colour":"red"}""", 400, "colour", "unknown_property")]
    [InlineData("PATCH", "memories/" + SomeId, """{"content":""}""", 400, "content", "invalid_request")]
    [InlineData("POST", "search", """{}""", 400, "query", "invalid_request")]
    [InlineData("POST", "search", """{"query":" "}""", 400, "query", "invalid_request")]
    [InlineData("POST", "search", """{"query":"x","limit":0}""", 400, "limit", "invalid_request")]
    [InlineData("POST", "search", """{"query":"x","limit":5000}""", 400, "limit", "invalid_request")]
    [InlineData("POST", "search", """{"query":"x","limit":"ten"}""", 400, "limit", "invalid_request")]
    [InlineData("POST", "search", """{"query":"x","mode":"magic"}""", 400, "mode", "invalid_request")]
    [InlineData("POST", "search", """{"query":"x","types":["dream"]}""", 400, "types[0]", "invalid_request")]
    [InlineData("POST", "search", """{"query":"x","threshold":2}""", 400, "threshold", "invalid_request")]
    [InlineData("POST", "search", """{"query":"x","groupBy":"moon"}""", 400, "groupBy", "invalid_request")]
    [InlineData("POST", "search", """{"query":"x","colour":"red"}""", 400, "colour", "unknown_property")]
    [InlineData("POST", "search", """{"query":"x","filter":{"field":"source","op":"like","value":"a"}}""", 400, "filter.op", "invalid_request")]
    [InlineData("POST", "search", """{"query":"x","filter":{"field":"pg_catalog","op":"eq","value":"a"}}""", 400, "filter.field", "invalid_request")]
    [InlineData("POST", "search", """{"like":"42"}""", 400, "like", "invalid_request")]
    [InlineData("POST", "search", """{"query":""", 400, "body", "malformed_json")]
    [InlineData("POST", "search/unified", """{"query":"x","limit":5000}""", 400, "limit", "invalid_request")]
    [InlineData("POST", "search/unified", """{"query":"x","colour":"red"}""", 400, "colour", "unknown_property")]
    [InlineData("POST", "repositories", """{}""", 400, "path", "invalid_request")]
    [InlineData("POST", "repositories", """{"path":"ROOT/missing"}""", 400, "path", "invalid_request")]
    [InlineData("POST", "repositories", """{"path":"relative"}""", 400, "path", "invalid_request")]
    [InlineData("POST", "repositories", """{"path":"/etc"}""", 403, "path", "outside_roots")]
    [InlineData("POST", "repositories", """{"path":"ROOT/../../etc"}""", 403, "path", "outside_roots")]
    [InlineData("POST", "repositories", """{"path":"ROOT","repoId":"a/b"}""", 400, "repoId", "invalid_request")]
    [InlineData("POST", "repositories", """{"path":"ROOT","branch":"main"}""", 400, "branch", "unknown_property")]
    [InlineData("POST", "imports", """{}""", 400, "paths", "invalid_request")]
    [InlineData("POST", "imports", """{"paths":[]}""", 400, "paths", "invalid_request")]
    [InlineData("POST", "imports", """{"paths":"ROOT"}""", 400, "paths", "invalid_request")]
    [InlineData("POST", "imports", """{"paths":["relative.duckdb"]}""", 400, "paths[0]", "invalid_request")]
    [InlineData("POST", "imports", """{"paths":["ROOT/missing.duckdb"]}""", 400, "paths[0]", "invalid_request")]
    [InlineData("POST", "imports", """{"paths":["ROOT","/etc/passwd"]}""", 403, "paths[1]", "outside_roots")]
    [InlineData("POST", "imports", """{"paths":["ROOT/../../etc/passwd"]}""", 403, "paths[0]", "outside_roots")]
    [InlineData("POST", "imports", """{"paths":["ROOT"],"timeZone":"Mars/Olympus"}""", 400, "timeZone", "invalid_request")]
    [InlineData("POST", "imports", """{"paths":["ROOT"],"collections":[" "]}""", 400, "collections[0]", "invalid_request")]
    [InlineData("POST", "imports", """{"paths":["ROOT"],"dryRun":"yes"}""", 400, "dryRun", "invalid_request")]
    [InlineData("POST", "imports", """{"paths":["ROOT"],"zone":"UTC"}""", 400, "zone", "unknown_property")]
    [InlineData("GET", "imports?limit=0", null, 400, "limit", "invalid_request")]
    [InlineData("GET", "imports?cursor=abc", null, 400, "cursor", "invalid_cursor")]
    [InlineData("GET", "imports?state=done", null, 400, "state", "unknown_property")]
    [InlineData("GET", "imports/42", null, 400, "id", "invalid_request")]
    [InlineData("GET", "imports/42/rejects", null, 400, "id", "invalid_request")]
    [InlineData("POST", "imports/42:undo", null, 400, "id", "invalid_request")]
    [InlineData("GET", "operations?state=done", null, 400, "state", "invalid_request")]
    [InlineData("GET", "operations?limit=0", null, 400, "limit", "invalid_request")]
    [InlineData("GET", "operations/42", null, 400, "id", "invalid_request")]
    [InlineData("GET", "operations/42/events", null, 400, "id", "invalid_request")]
    [InlineData("POST", "operations/42:cancel", null, 400, "id", "invalid_request")]
    [InlineData("GET", "embeddings/dead-letters?limit=5000", null, 400, "limit", "invalid_request")]
    [InlineData("POST", "embeddings/dead-letters:retry", """{"memoryIds":["42"]}""", 400, "memoryIds[0]", "invalid_request")]
    [InlineData("GET", "memories/" + SomeId, null, 404, null, "not_found")]
    [InlineData("GET", "repositories/nowhere", null, 404, null, "not_found")]
    [InlineData("GET", "operations/" + SomeId, null, 404, null, "not_found")]
    [InlineData("GET", "imports/" + SomeId, null, 404, null, "not_found")]
    [InlineData("GET", "imports/" + SomeId + "/rejects", null, 404, null, "not_found")]
    [InlineData("POST", "imports/" + SomeId + ":undo", null, 404, null, "not_found")]
    [InlineData("GET", "nothing", null, 404, null, "not_found")]
    [InlineData("PUT", "memories", "{}", 405, null, "method_not_allowed")]
    [InlineData("GET", "search", null, 405, null, "method_not_allowed")]
    public async Task Bad_input_is_a_problem_that_names_its_field(string method, string path, string? body, int status, string? field, string code)
    {
        var content = body is null ? null : Asking.Json(body.Replace("ROOT", running.Roots.Path, StringComparison.Ordinal));

        var answer = await System.Http.AskAsync(new HttpMethod(method), $"{Resources.Api}/{path}", content, ("If-Match", "*"));

        AssertProblem(answer, status, code);
        Assert.Equal(field is null ? [] : [field], answer.Fields);
    }

    [Theory]
    [InlineData("memories", """{"content":"x"}""")]
    [InlineData("memories:batch", """{"memories":[{"content":"x"}]}""")]
    [InlineData("search", """{"query":"x"}""")]
    [InlineData("search/unified", """{"query":"x"}""")]
    [InlineData("repositories", """{"path":"/"}""")]
    [InlineData("imports", """{"paths":["/"]}""")]
    public async Task Another_content_type_is_refused(string path, string body)
    {
        foreach (var type in (string[])["text/plain", "application/xml"])
        {
            AssertProblem(await System.Http.AskAsync(HttpMethod.Post, $"{Resources.Api}/{path}", Asking.Json(body, type)), 415, ErrorCodes.UnsupportedMediaType);
        }
    }

    [Fact]
    public async Task Five_megabytes_of_content_are_too_much_alone_and_in_a_batch()
    {
        var content = new string('x', 5_000_000);

        var alone = await System.Http.AskAsync(HttpMethod.Post, "/api/v1/memories", JsonContent.Create(new { content }));
        var batch = await Memories.AddBatchAsync([new NewMemory { Content = content }, new NewMemory { Content = $"short {Guid.NewGuid()}" }], ct: Ct);

        AssertProblem(alone, 400, ErrorCodes.InvalidRequest);
        Assert.Equal(["content"], alone.Fields);
        Assert.Equal(["error", "created"], batch.Results.Select(r => r.Status));
        Assert.Equal("content", batch.Results[0].Error!.Field);
    }

    [Fact]
    public async Task A_cursor_is_good_for_the_listing_it_is_from()
    {
        await Memories.AddBatchAsync([new NewMemory { Content = $"one {Guid.NewGuid()}" }, new NewMemory { Content = $"two {Guid.NewGuid()}" }], ct: Ct);
        var cursor = (await Memories.ListAsync([new("limit", "1")], Ct)).NextCursor;
        Assert.NotNull(cursor);

        foreach (var path in (string[])["operations", "embeddings/dead-letters", $"memories/{SomeId}/history"])
        {
            var answer = await System.Http.AskAsync(HttpMethod.Get, $"{Resources.Api}/{path}?cursor={Uri.EscapeDataString(cursor)}");
            AssertProblem(answer, 400, ErrorCodes.InvalidCursor);
            Assert.Equal(["cursor"], answer.Fields);
        }
    }

    [Fact]
    public async Task Text_that_looks_like_SQL_or_a_format_string_is_stored_and_found_literally()
    {
        var unique = Unique("literal");
        var text = $"{Nasty} {unique}";
        var metadata = JsonSerializer.SerializeToElement(new Dictionary<string, string> { [Nasty] = text });

        var stored = await Memories.AddAsync(
            new NewMemory
            {
                Content = text,
                Title = text,
                Source = text,
                Tags = [text],
                ProjectId = text,
                AgentId = text,
                WorkflowId = text,
                RepoId = text,
                SessionId = text,
                Metadata = metadata,
            },
            Ct);
        var read = await Memories.GetAsync(stored.Id, Ct);

        Assert.All([read.Content, read.Title, read.Source, read.Tags.Single(), read.ProjectId, read.AgentId, read.WorkflowId, read.RepoId, read.SessionId], t => Assert.Equal(text, t));
        Assert.Equal(text, read.Metadata.GetProperty(Nasty).GetString());
        foreach (var name in (string[])["source", "projectId", "agentId", "workflowId", "repoId", "sessionId", "tag"])
        {
            Assert.Equal(stored.Id, Assert.Single((await Memories.ListAsync([new(name, text)], Ct)).Items).Id);
        }

        await EmbeddedAsync(stored.Id);
        var everywhere = new SearchRequest { Query = text, Sources = [text], Tags = [text], ProjectId = text, AgentId = text, WorkflowId = text, RepoId = text, SessionId = text };
        foreach (var mode in SearchModes.All)
        {
            Assert.Equal(stored.Id, Assert.Single((await System.Search.SearchAsync(everywhere with { Mode = mode }, Ct)).Hits).Id);
        }

        foreach (var field in (string[])["content", "title", "source", "projectId", "agentId", "workflowId", "repoId", "sessionId", "tags"])
        {
            var filter = JsonSerializer.SerializeToElement(new { field, op = field is "tags" or "content" or "title" ? "contains" : "eq", value = text });
            Assert.Equal(stored.Id, Assert.Single((await System.Search.SearchAsync(new SearchRequest { Query = unique, Filter = filter }, Ct)).Hits).Id);
        }

        var patched = await Memories.PatchAsync(stored.Id, new { title = Nasty }, 1, Ct);
        Assert.Equal(Nasty, patched.Title);
        Assert.Equal(text, Assert.Single((await Memories.HistoryAsync(stored.Id, Ct)).Items).Memory.Title);
    }

    [Fact]
    public async Task A_repository_may_have_any_name_its_files_any_words()
    {
        var folder = Unique("named");
        var repo = $"it's {folder} 100% \"quoted\" {{0}}; DROP TABLE memories --";
        var path = Path.GetDirectoryName(running.Roots.Write($"{folder}/a {{0}} '; --.md", $"# {Nasty}\n"))!;

        var operation = await System.Repositories.IngestAsync(new IngestRepositoryRequest { Path = path, RepoId = repo }, Ct);
        await Eventually.Async(() => System.Operations.GetAsync(operation.Id, Ct), o => o.State == OperationStates.Completed, "The ingestion");

        Assert.Equal(1, (await System.Repositories.GetAsync(repo, Ct)).Chunks);
        var hit = Assert.Single((await System.Search.SearchAsync(new SearchRequest { Query = "drop table memories", Mode = SearchModes.Text, RepoId = repo }, Ct)).Hits);
        Assert.Equal(("a {0} '; --.md", $"# {Nasty}"), (hit.Path, hit.Content.TrimEnd()));
    }

    private static void AssertProblem(Answer answer, int status, string code)
    {
        Assert.True(status == answer.Status, $"{answer.Status} {answer.Text}");
        Assert.Equal("application/problem+json", answer.ContentHeaders.ContentType?.MediaType);
        Assert.Equal((status, code), (answer.Body.GetProperty("status").GetInt32(), answer.Code));
        Assert.Contains(code, KnownCodes);
        Assert.NotEqual("", answer.Body.GetProperty("title").GetString());
        // Nothing of the inside comes out.
        Assert.DoesNotContain("System.", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Npgsql", answer.Text, StringComparison.Ordinal);
    }
}

using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>What must be refused, and how: a 4xx problem that names the field.</summary>
public sealed class BadInputTests(BadInputTests.Server server) : IClassFixture<BadInputTests.Server>
{
    public sealed class Server(PostgresFixture postgres) : IAsyncLifetime
    {
        private TestDatabase _database = null!;

        internal TestHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            _database = await postgres.CreateDatabaseAsync();
            Host = await IngestHost.StartAsync(_database);
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            await _database.DisposeAsync();
        }
    }

    private HttpClient Http => server.Host.Http;

    [Theory]
    [InlineData("""{}""", "content")]
    [InlineData("""{"content":null}""", "content")]
    [InlineData("""{"content":""}""", "content")]
    [InlineData("""{"content":" \n\t\u2003 "}""", "content")]
    [InlineData("""{"content":"\u0000"}""", "content")]
    [InlineData("""{"content":5}""", "content")]
    [InlineData("""{"content":"x","type":"Agent"}""", "type")]
    [InlineData("""{"content":"x","type":""}""", "type")]
    [InlineData("""{"content":"x","id":"42"}""", "id")]
    [InlineData("""{"content":"x","id":""}""", "id")]
    [InlineData("""{"content":"x","id":"00000000-0000-0000-0000-000000000000"}""", "id")]
    [InlineData("""{"content":"x","id":7}""", "id")]
    [InlineData("""{"content":"x","source":" "}""", "source")]
    [InlineData("""{"content":"x","title":""}""", "title")]
    [InlineData("""{"content":"x","projectId":""}""", "projectId")]
    [InlineData("""{"content":"x","sessionId":{}}""", "sessionId")]
    [InlineData("""{"content":"x","tags":"a"}""", "tags")]
    [InlineData("""{"content":"x","tags":["a",""]}""", "tags[1]")]
    [InlineData("""{"content":"x","tags":["a","b",null]}""", "tags[2]")]
    [InlineData("""{"content":"x","tags":[1]}""", "tags[0]")]
    [InlineData("""{"content":"x","metadata":[]}""", "metadata")]
    [InlineData("""{"content":"x","metadata":"a"}""", "metadata")]
    [InlineData("""{"content":"x","metadata":{"a":[{"b":[{"c":[{"d":[[1]]}]}]}]}}""", "metadata")]
    [InlineData("""{"content":"x","metadata":{"n":1e400}}""", "metadata")]
    [InlineData("""{"content":"x","metadata":{"n":[1e-30000]}}""", "metadata")]
    [InlineData("""{"content":"x","occurredAt":"yesterday"}""", "occurredAt")]
    [InlineData("""{"content":"x","occurredAt":"1/2/2026"}""", "occurredAt")]
    [InlineData("""{"content":"x","occurredAt":"2026-13-01T00:00:00Z"}""", "occurredAt")]
    [InlineData("""{"content":"x","occurredAt":"0001-01-01T00:00:00Z"}""", "occurredAt")]
    [InlineData("""{"content":"x","expiresAt":"9999-12-31T23:59:59.9999999Z"}""", "expiresAt")]
    [InlineData("""{"content":"x","colour":"red"}""", "colour")]
    [InlineData("""{"content":"x","content":"y"}""", "content")]
    [InlineData("""{"content":"x","metadata":{"a":1,"a":2}}""", "metadata")]
    [InlineData("""[]""", "body")]
    [InlineData("""null""", "body")]
    [InlineData("""{"content":"x"} {}""", "body")]
    [InlineData("""{"content":"x" """, "body")]
    [InlineData("", "body")]
    public async Task A_memory_that_is_not_right_names_its_field(string body, string field)
    {
        var answer = await Http.PostAsync("/memories", body);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal([field], answer.Fields);
        Assert.DoesNotContain("System.", answer.Body!.ToJsonString(), StringComparison.Ordinal);

        // The same item in a batch fails alone and names the same field.
        if (body.StartsWith('{') && field != "body")
        {
            var batch = await Http.PostAsync("/memories:batch", $$"""{"memories":[{"content":"good {{Guid.NewGuid()}}"},{{body}}]}""");
            Assert.Equal(HttpStatusCode.OK, batch.Status);
            Assert.Equal(("created", "error"), ((string?)batch.Body!["results"]![0]!["status"], (string?)batch.Body["results"]![1]!["status"]));
            Assert.Equal(field, (string?)batch.Body["results"]![1]!["error"]!["field"]);
            Assert.Equal(answer.Code, (string?)batch.Body["results"]![1]!["error"]!["code"]);
        }
    }

    [Theory]
    [InlineData("title", MemoryLimits.NameLength)]
    [InlineData("source", MemoryLimits.NameLength)]
    [InlineData("projectId", MemoryLimits.NameLength)]
    [InlineData("agentId", MemoryLimits.NameLength)]
    [InlineData("workflowId", MemoryLimits.NameLength)]
    [InlineData("repoId", MemoryLimits.NameLength)]
    [InlineData("sessionId", MemoryLimits.NameLength)]
    [InlineData("content", MemoryLimits.ContentBytes)]
    public async Task What_is_longer_than_its_limit_is_refused_and_never_cut(string field, int limit)
    {
        var body = new JsonObject { ["content"] = Guid.NewGuid().ToString(), [field] = new string('x', limit) };
        Assert.Equal(HttpStatusCode.Created, (await Http.PostAsync("/memories", body)).Status);

        body[field] = new string('y', limit + 1);
        var answer = await Http.PostAsync("/memories", body);
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request"), (answer.Status, answer.Code));
        Assert.Equal([field], answer.Fields);
    }

    [Fact]
    public async Task Content_is_measured_in_bytes_of_UTF8()
    {
        var answer = await Http.PostAsync("/memories", new JsonObject { ["content"] = new string('ü', MemoryLimits.ContentBytes / 2 + 1) });

        Assert.Equal([("content")], answer.Fields);
        Assert.Contains("4,194,306 bytes", answer.Error("content"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metadata_has_a_size_and_a_depth()
    {
        var wide = new JsonObject { ["content"] = Guid.NewGuid().ToString(), ["metadata"] = new JsonObject { ["k"] = new string('x', MemoryLimits.MetadataBytes - 8) } };
        Assert.Equal(HttpStatusCode.Created, (await Http.PostAsync("/memories", wide)).Status);
        wide["metadata"]!["k"] = new string('x', MemoryLimits.MetadataBytes - 7);
        Assert.Equal(["metadata"], (await Http.PostAsync("/memories", wide)).Fields);

        var eight = """{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}""";
        Assert.Equal(HttpStatusCode.Created, (await Http.PostAsync("/memories", $$"""{"content":"{{Guid.NewGuid()}}","metadata":{{eight}} }""")).Status);
        var deep = await Http.PostAsync("/memories", $$"""{"content":"x","metadata":{"b":{{eight}} } }""");
        Assert.Contains("metadata.b.a", deep.Error("metadata"), StringComparison.Ordinal);

        var abyss = await Http.PostAsync("/memories", $$"""{"content":"x","metadata":{"b":{{new string('[', 500)}}{{new string(']', 500)}} } }""");
        Assert.Equal(HttpStatusCode.BadRequest, abyss.Status);
    }

    [Fact]
    public async Task Every_wrong_field_is_named_at_once()
    {
        var answer = await Http.PostAsync("/memories", """{"id":"x","type":"y","source":"","content":" ","tags":["",""],"metadata":1}""");

        Assert.Equal(["content", "id", "metadata", "source", "tags[0]", "tags[1]", "type"], answer.Fields.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Bytes_that_are_not_UTF8_are_refused_wherever_they_stand()
    {
        foreach (var (body, field) in ((string, string)[])[("{\"content\":\"\u00A4\"}", "content"), ("{\"content\":\"x\",\"metadata\":{\"a\":\"\u00A4\"}}", "body")])
        {
            // Latin-1 makes one byte of it, which no UTF-8 text has there.
            var content = new ByteArrayContent(Encoding.Latin1.GetBytes(body));
            content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
            var answer = await Http.AskAsync(HttpMethod.Post, "/memories", content);

            Assert.Equal((HttpStatusCode.BadRequest, field), (answer.Status, Assert.Single(answer.Fields)));
        }
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1e-300")]
    [InlineData("1e300")]
    public async Task A_rate_that_no_timer_can_keep_is_refused(string rate)
    {
        var answer = await Http.PostAsync("/embeddings", $$"""{"model":"builtin","ratePerSecond":{{rate}}}""");

        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request", "ratePerSecond"), (answer.Status, answer.Code, Assert.Single(answer.Fields)));
    }

    [Theory]
    [InlineData("/embeddings/99:activate", HttpStatusCode.NotFound)]
    [InlineData("/embeddings/99:compare", HttpStatusCode.NotFound)]
    [InlineData("/embeddings/dead-letters:retry", HttpStatusCode.OK)]
    public async Task A_body_that_may_be_left_out_may_be_empty_although_its_type_is_said(string path, HttpStatusCode status) =>
        Assert.Equal(status, (await Http.PostAsync(path, "")).Status);

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("")]
    public async Task Another_content_type_than_JSON_is_refused(string type)
    {
        foreach (var path in (string[])["/memories", "/memories:batch", "/embeddings/dead-letters:retry"])
        {
            if (path.EndsWith("retry", StringComparison.Ordinal) && type.Length == 0)
            {
                continue;
            }

            var answer = await Http.PostAsync(path, """{"content":"x"}""", type);
            Assert.Equal((HttpStatusCode.UnsupportedMediaType, "unsupported_media_type"), (answer.Status, answer.Code));
        }
    }

    [Theory]
    [InlineData("/memories?limit=0", "limit", "invalid_request")]
    [InlineData("/memories?limit=1001", "limit", "invalid_request")]
    [InlineData("/memories?limit=5000", "limit", "invalid_request")]
    [InlineData("/memories?limit=ten", "limit", "invalid_request")]
    [InlineData("/memories?type=agents", "type", "invalid_request")]
    [InlineData("/memories?type=agent&type=rag", "type", "invalid_request")]
    [InlineData("/memories?after=yesterday", "after", "invalid_request")]
    [InlineData("/memories?before=1/2/2026", "before", "invalid_request")]
    [InlineData("/memories?includeDeleted=perhaps", "includeDeleted", "invalid_request")]
    [InlineData("/memories?tag=", "tag", "invalid_request")]
    [InlineData("/memories?projectid=x&colour=red", "colour", "unknown_property")]
    [InlineData("/memories?cursor=", "cursor", "invalid_cursor")]
    [InlineData("/memories?cursor=abc", "cursor", "invalid_cursor")]
    [InlineData("/memories?cursor=!!!", "cursor", "invalid_cursor")]
    [InlineData("/memories/not-a-uuid", "id", "invalid_request")]
    [InlineData("/memories/not-a-uuid/history", "id", "invalid_request")]
    [InlineData("/memories/0198c0de-0000-7000-8000-000000000000?x=1", "x", "unknown_property")]
    [InlineData("/memories/0198c0de-0000-7000-8000-000000000000/history?limit=0", "limit", "invalid_request")]
    [InlineData("/operations?kind=lunch", "kind", "invalid_request")]
    [InlineData("/operations?state=done", "state", "invalid_request")]
    [InlineData("/operations?limit=-1", "limit", "invalid_request")]
    [InlineData("/operations?cursor=abc", "cursor", "invalid_cursor")]
    [InlineData("/operations/not-a-uuid", "id", "invalid_request")]
    [InlineData("/operations/not-a-uuid/events", "id", "invalid_request")]
    [InlineData("/embeddings?x=1", "x", "unknown_property")]
    [InlineData("/embeddings/dead-letters?limit=0", "limit", "invalid_request")]
    [InlineData("/embeddings/dead-letters?cursor=abc", "cursor", "invalid_cursor")]
    public async Task A_wrong_path_or_query_names_its_parameter(string path, string field, string code)
    {
        var answer = await Http.FetchAsync(path);

        Assert.Equal((HttpStatusCode.BadRequest, code), (answer.Status, answer.Code));
        Assert.Equal([field], answer.Fields);
    }

    [Theory]
    [InlineData("""{}""", "memories")]
    [InlineData("""{"memories":{}}""", "memories")]
    [InlineData("""{"memories":null}""", "memories")]
    [InlineData("""{"memories":[],"mode":"replace"}""", "mode")]
    [InlineData("""{"memories":[],"mode":1}""", "mode")]
    [InlineData("""{"memories":[],"memories":[]}""", "memories")]
    [InlineData("""{"memories":[],"more":[{}]}""", "more")]
    [InlineData("""[]""", "body")]
    [InlineData("""7""", "body")]
    [InlineData("", "body")]
    [InlineData("""{"memories":[{"content":"x"}""", "body")]
    [InlineData("""{"memories":[{"content":"x"}],}""", "body")]
    public async Task A_batch_that_is_not_right_as_a_whole_stores_nothing(string body, string field)
    {
        var answer = await Http.PostAsync("/memories:batch", body);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Equal([field], answer.Fields);
    }

    [Fact]
    public async Task A_batch_has_at_most_ten_thousand_items()
    {
        var body = new StringBuilder("{\"memories\":[").AppendJoin(',', Enumerable.Repeat("{}", MemoryLimits.BatchItems + 1)).Append("]}").ToString();

        var answer = await Http.PostAsync("/memories:batch", body);

        Assert.Equal(["memories"], answer.Fields);
        Assert.Contains("10,001", answer.Error("memories"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_beyond_the_limit_is_refused_as_too_large()
    {
        // A client that asks before it sends gets the answer; one that does not may find the line cut.
        var batch = await Http.AskAsync(
            HttpMethod.Post, "/memories:batch", Asking.Content($$"""{"memories":[{"content":"{{new string('x', 65 << 20)}}"}]}""", "application/json"), ("Expect", "100-continue"));
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "too_large"), (batch.Status, batch.Code));

        var single = await Http.AskAsync(
            HttpMethod.Post, "/memories", Asking.Content($$"""{"content":"{{new string('x', 33 << 20)}}"}""", "application/json"), ("Expect", "100-continue"));
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "too_large"), (single.Status, single.Code));
    }

    [Fact]
    public async Task What_is_not_there_is_not_found()
    {
        var id = Guid.CreateVersion7();
        foreach (var (method, path) in ((HttpMethod, string)[])[
            (HttpMethod.Get, $"/memories/{id}"), (HttpMethod.Get, $"/memories/{id}/history"), (HttpMethod.Delete, $"/memories/{id}"), (HttpMethod.Post, $"/memories/{id}:restore"),
            (HttpMethod.Get, $"/operations/{id}"), (HttpMethod.Get, $"/operations/{id}/events"), (HttpMethod.Post, $"/operations/{id}:cancel"), (HttpMethod.Post, $"/operations/{id}:retry")])
        {
            var answer = await Http.AskAsync(method, path);
            Assert.Equal((HttpStatusCode.NotFound, "not_found"), (answer.Status, answer.Code));
            Assert.Contains(id.ToString(), (string?)answer.Body!["detail"], StringComparison.Ordinal);
        }
    }
}

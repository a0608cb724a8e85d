using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>One memory at a time: stored, met again, read back.</summary>
public sealed class StoringTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private TestDatabase _database = null!;
    private TestHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _host = await IngestHost.StartAsync(_database);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_memory_is_created_with_a_place_and_a_tag_and_read_back_whole()
    {
        var answer = await _host.Http.PostAsync("/memories", """
            { "type": "insight", "source": "notes", "title": "Index", "content": "Use halfvec.", "tags": ["pg", "vector", "pg"], "projectId": "p", "agentId": "a", "workflowId": "w",
              "repoId": "r", "sessionId": "s", "metadata": { "b": [1, 2.5, null], "a": { "x": true } }, "occurredAt": "2026-01-31T12:00:00.123456+02:00", "expiresAt": "2027-01-01T00:00:00Z" }
            """);

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.Equal($"/api/v1/memories/{answer.Id}", answer.Headers.Location?.OriginalString);
        Assert.Equal("\"1\"", answer.Headers.ETag?.Tag);
        Assert.Equal('7', answer.Id[14]);
        var read = await _host.Memories.GetAsync(Guid.Parse(answer.Id), Ct);
        Assert.Equal(("insight", "notes", "Index", "Use halfvec."), (read.Type, read.Source, read.Title, read.Content));
        Assert.Equal(["pg", "vector"], read.Tags);
        Assert.Equal(("p", "a", "w", "r", "s"), (read.ProjectId, read.AgentId, read.WorkflowId, read.RepoId, read.SessionId));
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse("""{"a":{"x":true},"b":[1,2.5,null]}"""), read.Metadata));
        Assert.Equal(DateTimeOffset.Parse("2026-01-31T10:00:00.123456Z", System.Globalization.CultureInfo.InvariantCulture), read.OccurredAt);
        Assert.Equal((1, null, null), (read.Version, read.DeletedAt, read.SupersededBy));
    }

    [Fact]
    public async Task Nothing_but_content_is_needed()
    {
        var memory = await _host.Memories.AddAsync(new NewMemory { Content = "just this" }, Ct);

        Assert.Equal(("agent", "mahavishnu", "{}"), (memory.Type, memory.Source, memory.Metadata.GetRawText()));
        Assert.Equal(memory.CreatedAt, memory.OccurredAt, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_duplicate_answers_with_the_memory_that_is_there_and_keeps_what_it_said_differently()
    {
        var first = await _host.Memories.AddAsync(new NewMemory { Content = "the same", Tags = ["a"] }, Ct);
        var given = Guid.CreateVersion7();

        var second = await _host.Http.PostAsync("/memories", $$"""{"content":"the same","tags":["b"],"source":"elsewhere","id":"{{given}}"}""");

        Assert.Equal(HttpStatusCode.OK, second.Status);
        Assert.Equal(first.Id.ToString(), second.Id);
        Assert.True((bool?)second.Body!["duplicate"]);
        var kept = Assert.Single(second.Body["provenance"]!["duplicates"]!.AsArray())!;
        Assert.Equal((given.ToString(), "b", "elsewhere"), ((string?)kept["id"], (string?)kept["tags"]![0], (string?)kept["source"]));
        Assert.Equal(1, await _database.ScalarAsync<long>("SELECT count(*) FROM memories"));
    }

    [Fact]
    public async Task The_same_content_of_another_type_or_project_is_another_memory()
    {
        foreach (var memory in (NewMemory[])[new() { Content = "x" }, new() { Content = "x", Type = "rag" }, new() { Content = "x", ProjectId = "p" }, new() { Content = "x", ProjectId = "q" }])
        {
            Assert.Null((await _host.Memories.AddAsync(memory, Ct)).Duplicate);
        }
    }

    [Fact]
    public async Task A_given_id_is_kept_and_stands_for_one_content_only()
    {
        var id = Guid.NewGuid();
        Assert.Equal(id, (await _host.Memories.AddAsync(new NewMemory { Id = id.ToString(), Content = "one" }, Ct)).Id);

        Assert.True((await _host.Memories.AddAsync(new NewMemory { Id = id.ToString(), Content = "one" }, Ct)).Duplicate);
        var other = await _host.Http.PostAsync("/memories", new JsonObject { ["id"] = id.ToString(), ["content"] = "two" });
        Assert.Equal((HttpStatusCode.Conflict, "conflict"), (other.Status, other.Code));
    }

    [Fact]
    public async Task A_reader_who_has_this_version_is_not_sent_it_again()
    {
        var memory = await _host.Memories.AddAsync(new NewMemory { Content = "x" }, Ct);

        Assert.Equal(HttpStatusCode.NotModified, (await _host.Http.FetchAsync($"/memories/{memory.Id}", ("If-None-Match", "\"9\", W/\"1\""))).Status);
        Assert.Equal(HttpStatusCode.OK, (await _host.Http.FetchAsync($"/memories/{memory.Id}", ("If-None-Match", "\"2\""))).Status);
    }

    [Fact]
    public async Task A_memory_of_four_mebibytes_is_stored_whole()
    {
        var line = "Line of code_with_names and wordsInCamelCase, 42 and häuser. ";
        var content = string.Concat(Enumerable.Repeat(line, MemoryLimits.ContentBytes / (line.Length + 1)));
        content += new string('x', MemoryLimits.ContentBytes - System.Text.Encoding.UTF8.GetByteCount(content));

        var memory = await _host.Memories.AddAsync(new NewMemory { Content = content }, Ct);

        Assert.Equal(content, (await _host.Memories.GetAsync(memory.Id, Ct)).Content);
        Assert.Equal(MemoryLimits.ContentBytes, await _database.ScalarAsync<int>("SELECT octet_length(content) FROM memories"));
    }

    [Theory]
    [InlineData("'; DROP TABLE memories; --")]
    [InlineData("%s %n {0} {{1}} ${x} $1 \\' \\x00 \u0001 \u0085\u2028 \uFFFF \U0001F600 &lt;b&gt; <b> \"quoted\" 100%")]
    [InlineData("$$; SELECT pg_sleep(10); $$ /* */ 1=1 OR ''='' E'\\\\' :name @name ?")]
    public async Task What_looks_like_SQL_or_a_format_string_is_stored_and_found_literally(string text)
    {
        var stored = await _host.Memories.AddAsync(
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
                Metadata = JsonSerializer.SerializeToElement(new Dictionary<string, string> { [text] = text }),
            },
            Ct);

        foreach (var field in (string[])["source", "tag", "projectId", "agentId", "workflowId", "repoId", "sessionId"])
        {
            var page = await _host.Memories.ListAsync([new(field, text)], Ct);
            var found = Assert.Single(page.Items);
            Assert.Equal(stored.Id, found.Id);
            Assert.Equal((text, text, text, text), (found.Content, found.Title, found.Source, found.Tags[0]));
            Assert.Equal((text, text, text, text, text), (found.ProjectId, found.AgentId, found.WorkflowId, found.RepoId, found.SessionId));
            Assert.Equal(text, found.Metadata.GetProperty(text).GetString());
        }
    }

    [Fact]
    public async Task Null_characters_vanish_and_lone_surrogates_are_replaced_in_every_field()
    {
        const string Bad = """a\u0000b\ud83dc\udc00d\ud83d\ude00""";
        const string Good = "ab\uFFFDc\uFFFDd\U0001F600";
        var body = """
            {"content":"BAD","title":"BAD","source":"BAD","tags":["BAD"],"projectId":"BAD","agentId":"BAD","workflowId":"BAD",
             "repoId":"BAD","sessionId":"BAD","metadata":{"BAD":["BAD",{"x":"BAD"}]}}
            """.Replace("BAD", Bad, StringComparison.Ordinal);

        var answer = await _host.Http.PostAsync("/memories", body);

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        var read = await _host.Memories.GetAsync(Guid.Parse(answer.Id), Ct);
        Assert.Equal((Good, Good, Good, Good), (read.Content, read.Title, read.Source, read.Tags[0]));
        Assert.Equal((Good, Good, Good, Good, Good), (read.ProjectId, read.AgentId, read.WorkflowId, read.RepoId, read.SessionId));
        Assert.Equal((Good, Good), (read.Metadata.GetProperty(Good)[0].GetString(), read.Metadata.GetProperty(Good)[1].GetProperty("x").GetString()));
    }
}

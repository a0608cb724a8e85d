using System.Net;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Patch, delete, restore and the history they leave.</summary>
public sealed class ChangingTests(PostgresFixture postgres) : IAsyncLifetime
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
    public async Task A_patch_changes_what_it_names_clears_what_is_null_and_leaves_the_rest()
    {
        var memory = await AddAsync("before", m => m with { Title = "T", Tags = ["a"], ProjectId = "p", AgentId = "a", Metadata = System.Text.Json.JsonElement.Parse("""{"a":1,"b":2}""") });

        var answer = await _host.Http.PatchAsync($"/memories/{memory.Id}", new JsonObject { ["content"] = "after", ["title"] = null, ["tags"] = null, ["metadata"] = new JsonObject { ["c"] = 3 } }, "\"1\"");

        Assert.Equal((HttpStatusCode.OK, "\"2\""), (answer.Status, answer.Headers.ETag?.Tag));
        var read = await _host.Memories.GetAsync(memory.Id, Ct);
        Assert.Equal(("after", null, 0, "p", "a", 2), (read.Content, read.Title, read.Tags.Count, read.ProjectId, read.AgentId, read.Version));
        Assert.Equal("""{"c":3}""", read.Metadata.GetRawText());
        Assert.Equal(memory.OccurredAt, read.OccurredAt);
        Assert.True(read.UpdatedAt > memory.UpdatedAt);
    }

    [Fact]
    public async Task A_patch_needs_to_know_what_it_changes()
    {
        var memory = await AddAsync("x");
        var patch = new JsonObject { ["title"] = "y" };
        var path = $"/memories/{memory.Id}";

        Assert.Equal((HttpStatusCode.PreconditionRequired, "precondition_required"), Of(await _host.Http.PatchAsync(path, patch, null)));
        Assert.Equal((HttpStatusCode.PreconditionFailed, "version_mismatch"), Of(await _host.Http.PatchAsync(path, patch, "\"2\"")));
        Assert.Equal((HttpStatusCode.PreconditionFailed, "version_mismatch"), Of(await _host.Http.PatchAsync(path, patch, "\"abc\"")));
        Assert.Equal((HttpStatusCode.PreconditionFailed, "version_mismatch"), Of(await _host.Http.PatchAsync(path, patch, "W/\"1\"")));
        Assert.Equal(["If-Match"], (await _host.Http.PatchAsync(path, patch, "1")).Fields);
        Assert.Equal(1, (await _host.Memories.GetAsync(memory.Id, Ct)).Version);
        Assert.Equal(HttpStatusCode.OK, (await _host.Http.PatchAsync(path, patch, "*")).Status);
    }

    [Theory]
    [InlineData("""{"content":null}""", "content")]
    [InlineData("""{"content":" "}""", "content")]
    [InlineData("""{"occurredAt":null}""", "occurredAt")]
    [InlineData("""{"type":"rag"}""", "type")]
    [InlineData("""{"id":"0198c0de-0000-7000-8000-000000000000"}""", "id")]
    [InlineData("""{"title":""}""", "title")]
    [InlineData("""{"tags":["a",null]}""", "tags[1]")]
    [InlineData("""{"metadata":[]}""", "metadata")]
    [InlineData("""[]""", "body")]
    public async Task A_wrong_patch_names_its_field_and_changes_nothing(string patch, string field)
    {
        var memory = await AddAsync("x");

        var answer = await _host.Http.PatchAsync($"/memories/{memory.Id}", JsonNode.Parse(patch)!, "\"1\"");

        Assert.Equal((HttpStatusCode.BadRequest, field), (answer.Status, Assert.Single(answer.Fields)));
        Assert.Equal(1, (await _host.Memories.GetAsync(memory.Id, Ct)).Version);
    }

    [Theory]
    [InlineData("application/json", HttpStatusCode.OK)]
    [InlineData("application/merge-patch+json", HttpStatusCode.OK)]
    [InlineData("application/json-patch+json", HttpStatusCode.UnsupportedMediaType)]
    public async Task A_patch_is_a_merge_patch_by_either_name(string mediaType, HttpStatusCode status)
    {
        var memory = await AddAsync("x");

        Assert.Equal(status, (await _host.Http.AskAsync(HttpMethod.Patch, $"/memories/{memory.Id}", Asking.Content("""{"title":"t"}""", mediaType), ("If-Match", "\"1\""))).Status);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await _host.Http.PostAsync("/memories", """{"content":"y"}""", "application/merge-patch+json")).Status);
    }

    [Fact]
    public async Task A_patch_that_changes_nothing_makes_no_version()
    {
        var memory = await AddAsync("x", m => m with { Tags = ["a"] });

        var answer = await _host.Http.PatchAsync($"/memories/{memory.Id}", new JsonObject { ["content"] = "x", ["tags"] = new JsonArray("a") }, "\"1\"");

        Assert.Equal((HttpStatusCode.OK, "\"1\""), (answer.Status, answer.Headers.ETag?.Tag));
        Assert.Empty((await _host.Memories.HistoryAsync(memory.Id, Ct)).Items);
    }

    [Fact]
    public async Task One_of_many_patches_of_the_same_version_wins()
    {
        var memory = await AddAsync("x");

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => _host.Http.PatchAsync($"/memories/{memory.Id}", new JsonObject { ["title"] = $"{i}" }, "\"1\"")));

        Assert.Equal(1, answers.Count(a => a.Status == HttpStatusCode.OK));
        Assert.Equal(11, answers.Count(a => a.Status == HttpStatusCode.PreconditionFailed));
        Assert.Equal(2, (await _host.Memories.GetAsync(memory.Id, Ct)).Version);
    }

    [Fact]
    public async Task A_patch_to_the_content_of_another_memory_is_a_conflict_that_names_it()
    {
        var (one, two) = (await AddAsync("one"), await AddAsync("two"));

        var answer = await _host.Http.PatchAsync($"/memories/{two.Id}", new JsonObject { ["content"] = "one" }, "*");

        Assert.Equal((HttpStatusCode.Conflict, "conflict"), Of(answer));
        Assert.Contains(one.Id.ToString(), (string?)answer.Body!["detail"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_memory_is_known_by_its_new_content()
    {
        var memory = await AddAsync("old");
        await _host.Memories.PatchAsync(memory.Id, new { content = "new" }, 1, Ct);

        Assert.Equal((true, memory.Id), (await DuplicateAsync("new"), (await _host.Memories.AddAsync(new NewMemory { Content = "new" }, Ct)).Id));
        Assert.False(await DuplicateAsync("old"));
    }

    [Fact]
    public async Task A_memory_that_came_from_elsewhere_keeps_the_key_it_came_with()
    {
        var draft = new MemoryDraft { Id = Guid.CreateVersion7(), Type = "agent", Source = "session_buddy", Content = "imported", OccurredAt = DateTimeOffset.UtcNow, DedupeKey = DedupeKeys.ForImportedText(MemoryDraft.HashOf("imported")) };
        var store = _host.Get<MemoryWriteStore>();
        await store.WriteAsync([draft], WriteMode.Insert, Ct);

        await _host.Memories.PatchAsync(draft.Id, new { content = "corrected by hand", tags = new[] { "mine" } }, 1, Ct);

        // The next import of the same file finds its row again.
        Assert.Equal(new WriteOutcome(draft.Id, WriteStatus.Duplicate), Assert.Single(await store.WriteAsync([draft with { Id = Guid.CreateVersion7() }], WriteMode.Insert, Ct)));
    }

    [Fact]
    public async Task A_deleted_memory_is_hidden_and_comes_back_whole()
    {
        var memory = await AddAsync("x", m => m with { Tags = ["a"], ProjectId = "p" });
        Assert.Equal(HttpStatusCode.PreconditionFailed, (await _host.Http.AskAsync(HttpMethod.Delete, $"/memories/{memory.Id}", null, ("If-Match", "\"7\""))).Status);

        Assert.Equal(HttpStatusCode.NoContent, (await _host.Http.AskAsync(HttpMethod.Delete, $"/memories/{memory.Id}", null, ("If-Match", "\"1\""))).Status);

        Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.FetchAsync($"/memories/{memory.Id}")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.AskAsync(HttpMethod.Delete, $"/memories/{memory.Id}")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.PatchAsync($"/memories/{memory.Id}", new JsonObject { ["title"] = "t" }, "*")).Status);
        Assert.NotNull((await _host.Http.FetchAsync($"/memories/{memory.Id}?includeDeleted=true")).Body!["deletedAt"]);
        var restored = await _host.Memories.RestoreAsync(memory.Id, Ct);
        Assert.Equal((3, null, "p", "x"), (restored.Version, restored.DeletedAt, restored.ProjectId, restored.Content));
        Assert.Null(restored.Provenance);
        Assert.Equal(3, (await _host.Memories.RestoreAsync(memory.Id, Ct)).Version);
        Assert.Equal(["restore", "delete"], (await _host.Memories.HistoryAsync(memory.Id, Ct)).Items.Select(v => v.Change));
        Assert.True(await DuplicateAsync("x", "p"));
    }

    [Fact]
    public async Task What_was_deleted_can_be_stored_anew_and_is_then_in_the_way_of_a_restore()
    {
        var first = await AddAsync("x");
        await _host.Memories.DeleteAsync(first.Id, Ct);

        var second = await AddAsync("x");

        Assert.NotEqual(first.Id, second.Id);
        Assert.Null(second.Duplicate);
        var refused = await _host.Http.AskAsync(HttpMethod.Post, $"/memories/{first.Id}:restore");
        Assert.Equal((HttpStatusCode.Conflict, "conflict"), Of(refused));
        Assert.Contains(second.Id.ToString(), (string?)refused.Body!["detail"], StringComparison.Ordinal);
        await _host.Memories.DeleteAsync(second.Id, Ct);
        Assert.Null((await _host.Memories.RestoreAsync(first.Id, Ct)).DeletedAt);
    }

    [Fact]
    public async Task The_id_of_a_deleted_memory_is_not_given_to_another()
    {
        var memory = await AddAsync("x");
        await _host.Memories.DeleteAsync(memory.Id, Ct);

        var answer = await _host.Http.PostAsync("/memories", new JsonObject { ["id"] = memory.Id.ToString(), ["content"] = "x" });

        Assert.Equal((HttpStatusCode.Conflict, "conflict"), Of(answer));
    }

    [Fact]
    public async Task The_history_tells_every_state_page_by_page()
    {
        var memory = await AddAsync("state 1", m => m with { Tags = ["t1"] });
        for (var version = 1; version <= 5; version++)
        {
            await _host.Memories.PatchAsync(memory.Id, new { content = $"state {version + 1}" }, version, Ct);
        }

        var first = await _host.Http.FetchAsync($"/memories/{memory.Id}/history?limit=3");
        var rest = await _host.Http.FetchAsync($"/memories/{memory.Id}/history?limit=3&cursor={first.Body!["nextCursor"]}");

        Assert.Equal(["state 5", "state 4", "state 3"], first.Body["items"]!.AsArray().Select(v => (string?)v!["memory"]!["content"]));
        Assert.Equal(["state 2", "state 1"], rest.Body!["items"]!.AsArray().Select(v => (string?)v!["memory"]!["content"]));
        Assert.Null(rest.Body["nextCursor"]);
        var oldest = rest.Body["items"]![1]!;
        Assert.Equal((1, "update", "t1", 1), ((int?)oldest["version"], (string?)oldest["change"], (string?)oldest["memory"]!["tags"]![0], (int?)oldest["memory"]!["version"]));
        Assert.Equal(memory.CreatedAt, (DateTimeOffset?)oldest["memory"]!["createdAt"]);
        Assert.Equal("invalid_cursor", (await _host.Http.FetchAsync($"/memories/{Guid.NewGuid()}/history?cursor={first.Body["nextCursor"]}")).Code);
    }

    private static (HttpStatusCode, string?) Of(Answer answer) => (answer.Status, answer.Code);

    private Task<Memory> AddAsync(string content, Func<NewMemory, NewMemory>? with = null)
    {
        var memory = new NewMemory { Content = content };
        return _host.Memories.AddAsync(with is null ? memory : with(memory), Ct);
    }

    private async Task<bool> DuplicateAsync(string content, string? project = null) =>
        (await _host.Memories.AddAsync(new NewMemory { Content = content, ProjectId = project }, Ct)).Duplicate ?? false;
}

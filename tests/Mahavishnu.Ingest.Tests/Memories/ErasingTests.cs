using System.Net;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest.Tests;

/// <summary>What is erased is nowhere any more: every row of every table is looked through.</summary>
public sealed class ErasingTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Secret = "xylophonequartz";

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
    public async Task A_memory_goes_with_its_history_vectors_queue_and_all_that_points_to_it()
    {
        var memory = await _host.Memories.AddAsync(new NewMemory { Type = MemoryTypes.Insight, Title = "t", Content = $"first {Secret}", Metadata = System.Text.Json.JsonElement.Parse($$"""{"a":"{{Secret}}"}""") }, Ct);
        var other = await _host.Memories.AddAsync(new NewMemory { Content = "stays" }, Ct);
        await EmbeddedAsync(2);
        await _host.Memories.PatchAsync(memory.Id, new { content = $"second {Secret}" }, 1, Ct);
        await EmbeddedAsync(2);
        var space = (await new EmbeddingSpaceStore(_database.DataSource).FindActiveAsync(Ct))!;
        var cache = new EmbeddingCacheStore(_database.DataSource);
        byte[] Hash(string text) => EmbeddingCacheStore.HashOf(EmbeddingCacheStore.TextOf("t", text));
        await cache.SaveAsync(space, [.. new[] { Hash($"first {Secret}"), Hash($"second {Secret}"), EmbeddingCacheStore.HashOf("stays") }.Select(h => new CachedVector(h, new float[space.Dimensions]))], Ct);
        await _database.ExecuteAsync("INSERT INTO pinned_queries (id, query, memory_id) VALUES ($1, 'q', $2)", Guid.CreateVersion7(), memory.Id);
        await _database.ExecuteAsync("INSERT INTO sampled_queries (query_hash, query) VALUES ('\\x01', $1)", $"second {Secret}");
        await _database.ExecuteAsync(
            "INSERT INTO asked_questions (question_key, question, asked, unanswered, hits, first_at, last_at) VALUES ('\\x01', $1, 1, 0, 1, now(), now())", $"first {Secret}");
        await _database.ExecuteAsync("INSERT INTO insight_shares (memory_id, project_id) VALUES ($1, 'p')", memory.Id);
        await _database.ExecuteAsync("INSERT INTO causal_links (id, cause_id, effect_id, link_type) VALUES ('1', $1, 'x', 'led_to'), ('2', 'x', $1, 'led_to'), ('3', 'x', 'y', 'led_to')", memory.Id.ToString());
        await _database.ExecuteAsync("INSERT INTO kg_entities (id, name, entity_type) VALUES ('a', 'A', 'thing'), ('b', 'B', 'thing')");
        await _database.ExecuteAsync("INSERT INTO kg_relationships (id, from_entity, to_entity, relation_type, memory_id) VALUES ('r', 'a', 'b', 'uses', $1)", memory.Id);
        await _database.ExecuteAsync("INSERT INTO import_rows (import_id, file_number, table_number, row, made, memory_id) VALUES ($1, 0, 0, 0, true, $2)", Guid.CreateVersion7(), memory.Id);
        await _database.ExecuteAsync("UPDATE memories SET repo_id = 'r' WHERE id = $1", memory.Id);
        await _database.ExecuteAsync("INSERT INTO rag_files (repo_id, path, blob_hash, settings_hash, bytes, chunks, memory_ids) VALUES ('r', 'a', '', '', 1, 2, ARRAY[$1, $2])", memory.Id, other.Id);
        Assert.NotEmpty(await TracesAsync(Secret));
        Assert.InRange((await TracesAsync(memory.Id.ToString())).Count, 7, 20);

        var answer = await _host.Http.AskAsync(HttpMethod.Post, $"/memories/{memory.Id}:erase");

        Assert.Equal(HttpStatusCode.NoContent, answer.Status);
        Assert.Empty(await TracesAsync(Secret));
        Assert.Empty(await TracesAsync(memory.Id.ToString()));
        Assert.Equal([EmbeddingCacheStore.HashOf("stays")], (await _database.RowsAsync("SELECT text_hash FROM embedding_cache")).Select(r => (byte[])r[0]!));
        Assert.Equal((1L, 1L, 1L), (await CountAsync("memories"), await CountAsync("causal_links"), await CountAsync(space.Table)));
        Assert.Equal("stays", (await _host.Memories.GetAsync(other.Id, Ct)).Content);
        foreach (var path in (string[])["", "?includeDeleted=true", "/history"])
        {
            Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.FetchAsync($"/memories/{memory.Id}{path}")).Status);
        }

        Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.AskAsync(HttpMethod.Post, $"/memories/{memory.Id}:restore")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.AskAsync(HttpMethod.Post, $"/memories/{memory.Id}:erase")).Status);
    }

    [Fact]
    public async Task Of_a_long_text_every_part_leaves_the_cache_also_where_its_vectors_are_gone()
    {
        var text = string.Join(' ', Enumerable.Range(0, 2_000).Select(i => $"word{i}"));
        var there = await _host.Memories.AddAsync(new NewMemory { Content = text }, Ct);
        var deleted = await _host.Memories.AddAsync(new NewMemory { Content = text + " again" }, Ct);
        await EmbeddedAsync(2);
        var space = (await new EmbeddingSpaceStore(_database.DataSource).FindActiveAsync(Ct))!;
        await _database.ExecuteAsync($"INSERT INTO embedding_cache (space_id, text_hash, embedding) SELECT {space.Id}, sha256(convert_to(memory_id::text || part, 'UTF8')), embedding::halfvec FROM {space.Table}");
        await new EmbeddingCacheStore(_database.DataSource).SaveAsync(space, [new CachedVector(EmbeddingCacheStore.HashOf("another"), new float[space.Dimensions])], Ct);
        var parts = await CountAsync("embedding_cache");
        Assert.InRange(parts, 4, 1_000);

        await _host.Memories.EraseAsync(there.Id, Ct);
        var left = await CountAsync("embedding_cache");
        Assert.InRange(left, 2, parts - 2);

        await _host.Memories.DeleteAsync(deleted.Id, Ct);
        await _host.Memories.EraseAsync(deleted.Id, Ct);
        Assert.Equal(0, await CountAsync("embedding_cache"));
    }

    [Fact]
    public async Task A_turn_leaves_its_conversation_and_the_others_keep_their_places()
    {
        var added = await _host.SayAsync("s", Talk.User("one", "1"), Talk.User($"two {Secret}", "2"), Talk.User("three", "3"));
        var id = added.Messages[1].Id!.Value;

        await _host.Memories.EraseAsync(id, Ct);

        Assert.Empty(await TracesAsync(Secret));
        Assert.Empty(await TracesAsync(id.ToString()));
        Assert.Equal([1, 3], (await _host.HearAsync("s")).Ordinals());
        Assert.Equal((2, null), ((await _host.Conversations.GetAsync("s", Ct)).Messages, added.Messages[1].Error));
        Assert.Equal([1, 3, 4], (await AfterAsync(Talk.User("four"))).Ordinals());

        async Task<IReadOnlyList<ConversationMessage>> AfterAsync(NewMessage message)
        {
            await _host.SayAsync("s", message);
            return await _host.HearAsync("s");
        }
    }

    [Fact]
    public async Task An_execution_goes_with_its_memory()
    {
        var run = await _host.Workflows.AddAsync(new NewWorkflow { WorkflowId = "w", Adapter = "prefect", Goal = $"Import {Secret}" }, Ct);

        await _host.Memories.EraseAsync(run.MemoryId, Ct);

        Assert.Empty(await TracesAsync(Secret));
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => _host.Workflows.GetAsync(run.Id, Ct))).Status);
    }

    [Fact]
    public async Task What_it_superseded_is_superseded_by_its_successor_or_valid_again()
    {
        var memories = new List<Memory>();
        foreach (var content in (string[])["a", "b", "c"])
        {
            memories.Add(await _host.Memories.AddAsync(new NewMemory { Content = content }, Ct));
        }

        var (a, b, c) = (memories[0].Id, memories[1].Id, memories[2].Id);
        await _host.Memories.SupersedeAsync(a, b, Ct);
        await _host.Memories.SupersedeAsync(b, c, Ct);

        await _host.Memories.EraseAsync(b, Ct);
        Assert.Equal((c, 3), ((await _host.Memories.GetAsync(a, Ct)).SupersededBy, (await _host.Memories.GetAsync(a, Ct)).Version));

        await _host.Memories.EraseAsync(c, Ct);
        Assert.Equal((null, null), ((await _host.Memories.GetAsync(a, Ct)).SupersededBy, (await _host.Memories.GetAsync(a, Ct)).SupersededAt));
        Assert.Equal([a], (await _host.Memories.ListAsync([], Ct)).Items.Select(m => m.Id));
    }

    [Fact]
    public async Task Erased_while_others_change_embed_and_erase_it_it_is_gone_all_the_same()
    {
        for (var round = 0; round < 10; round++)
        {
            var added = await _host.SayAsync($"s{round}", Talk.User($"{round} {Secret}"), Talk.User("stays"));
            var id = added.Messages[0].Id!.Value;
            var erased = await Task.WhenAll(
                TryAsync(() => _host.Memories.EraseAsync(id, Ct)),
                TryAsync(() => _host.Memories.EraseAsync(id, Ct)),
                TryAsync(() => _host.Memories.PatchAsync(id, new { title = "changed" }, 1, Ct)),
                TryAsync(() => _host.Conversations.DeleteAsync($"s{round}", Ct)),
                TryAsync(() => _host.SayAsync($"s{round}", Talk.User("another"))));

            Assert.Equal(1, erased.Take(2).Count(done => done));
        }

        await EmbeddedAsync(null);
        Assert.Empty(await TracesAsync(Secret));

        static async Task<bool> TryAsync(Func<Task> act)
        {
            try
            {
                await act();
                return true;
            }
            catch (ApiException e) when (e.Status is 404 or 412)
            {
                return false;
            }
        }
    }

    /// <summary>The tables that have a row with this in it, whatever the column.</summary>
    private async Task<IReadOnlyList<string>> TracesAsync(string text)
    {
        var found = new List<string>();
        foreach (var row in await _database.RowsAsync("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY 1"))
        {
            var table = (string)row[0]!;
            if (await _database.ScalarAsync<bool>($"SELECT EXISTS (SELECT FROM {table} t WHERE strpos(t::text, $1) > 0)", text))
            {
                found.Add(table);
            }
        }

        return found;
    }

    private async Task<long> CountAsync(string table) => await _database.ScalarAsync<long>($"SELECT count(*) FROM {table}");

    private Task EmbeddedAsync(int? memories) => Eventually.Async(
        async () => await CountAsync("embedding_queue") == 0 && (memories is null || (await _host.Admin.EmbeddingsAsync(Ct)).Spaces.Sum(s => s.Vectors) >= memories), "Everything is embedded");
}

using System.Net.Http.Json;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

public abstract partial class Suite
{
    [Theory]
    [InlineData(MemoryTypes.Agent)]
    [InlineData(MemoryTypes.Rag)]
    [InlineData(MemoryTypes.Workflow)]
    [InlineData(MemoryTypes.Insight)]
    public async Task A_memory_of_each_type_is_stored_and_found_again_by_words_and_by_meaning(string type)
    {
        var project = Unique("types");
        var stored = await Memories.AddAsync(
            new NewMemory
            {
                Type = type,
                Source = "end-to-end",
                Title = "Pool sizing",
                Content = "The connection pool keeps five connections warm and opens fifty at most.",
                Tags = ["pool"],
                ProjectId = project,
                Metadata = JsonSerializer.SerializeToElement(new { reviewed = true, weight = 3 }),
            },
            Ct);
        await Memories.AddAsync(new NewMemory { Content = "Penguins of the southern ocean dive for krill.", ProjectId = project }, Ct);
        Assert.Equal((type, "end-to-end", 1), (stored.Type, stored.Source, stored.Version));

        // By words at once, whatever the embedding does.
        var byWords = await System.Search.SearchAsync(new SearchRequest { Query = "warm connections", Mode = SearchModes.Text, ProjectId = project }, Ct);
        Assert.Equal(stored.Id, Assert.Single(byWords.Hits).Id);

        await EmbeddedAsync(stored.Id);
        var byMeaning = await System.Search.SearchAsync(new SearchRequest { Query = "how many database connections does the pool open", Mode = SearchModes.Vector, ProjectId = project }, Ct);
        var both = await System.Search.SearchAsync(new SearchRequest { Query = "pool connections", ProjectId = project, Explain = true }, Ct);

        Assert.Equal(stored.Id, byMeaning.Hits[0].Id);
        Assert.NotNull(byMeaning.Hits[0].Similarity);
        AssertWhole(both);
        Assert.Equal((SearchModes.Hybrid, stored.Id), (both.Mode, both.Hits[0].Id));
        Assert.Equal((1, 1), (both.Hits[0].Explain!.Vector!.Rank, both.Hits[0].Explain!.Text!.Rank));
        Assert.True(both.Hits[0].Metadata.GetProperty("reviewed").GetBoolean());
    }

    [Fact]
    public async Task What_is_stored_twice_is_there_once_and_says_so()
    {
        var memory = new NewMemory { Content = $"Stored twice {Guid.NewGuid()}" };

        var first = await Memories.AddAsync(memory, Ct);
        var second = await Memories.AddAsync(memory with { Tags = ["again"] }, Ct);

        Assert.Null(first.Duplicate);
        Assert.Equal((first.Id, true), (second.Id, second.Duplicate));
        Assert.Equal("again", (await Memories.GetAsync(first.Id, Ct)).Provenance!.Value.GetProperty("duplicates")[0].GetProperty("tags")[0].GetString());
    }

    [Fact]
    public async Task A_given_id_answers_201_then_200_then_409()
    {
        var id = Guid.CreateVersion7();
        var text = $"With an id of its own {id}";

        var created = await System.Http.AskAsync(HttpMethod.Post, "/api/v1/memories", JsonContent.Create(new { id, content = text }));
        var same = await System.Http.AskAsync(HttpMethod.Post, "/api/v1/memories", JsonContent.Create(new { id, content = text }));
        var other = await System.Http.AskAsync(HttpMethod.Post, "/api/v1/memories", JsonContent.Create(new { id, content = text + "!" }));

        Assert.Equal((201, 200, 409), (created.Status, same.Status, other.Status));
        Assert.EndsWith($"/api/v1/memories/{id}", created.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.Equal("\"1\"", created.Headers.ETag!.Tag);
        Assert.Equal(ErrorCodes.Conflict, other.Code);
        Assert.Equal(text, (await Memories.GetAsync(id, Ct)).Content);
    }

    [Fact]
    public async Task One_bad_item_of_a_batch_fails_alone()
    {
        var (project, id) = (Unique("batch"), Guid.CreateVersion7().ToString());
        var there = await Memories.AddAsync(new NewMemory { Content = "already there", ProjectId = project }, Ct);

        var result = await Memories.AddBatchAsync(
            [
                new NewMemory { Id = id, Content = "new", ProjectId = project },
                new NewMemory { Content = "", ProjectId = project },
                new NewMemory { Content = "already there", ProjectId = project },
                new NewMemory { Content = "new", ProjectId = project },
                new NewMemory { Content = "x", Type = "dream", ProjectId = project },
            ],
            ct: Ct);

        Assert.Equal(new BatchCounts(Created: 1, Duplicate: 2, Updated: 0, Error: 2), result.Counts);
        Assert.Equal(["created", "error", "duplicate", "duplicate", "error"], result.Results.Select(r => r.Status));
        Assert.Equal((there.Id, Guid.Parse(id)), (result.Results[2].Id, result.Results[3].Id));
        Assert.Equal(("content", "type"), (result.Results[1].Error!.Field, result.Results[4].Error!.Field));

        var upsert = await Memories.AddBatchAsync([new NewMemory { Id = id, Content = "newer", ProjectId = project }], "upsert", Ct);
        Assert.Equal(1, upsert.Counts.Updated);
        Assert.Equal(("newer", 2), ((await Memories.GetAsync(Guid.Parse(id), Ct)).Content, (await Memories.GetAsync(Guid.Parse(id), Ct)).Version));
    }

    [Fact]
    public async Task A_batch_may_be_lines()
    {
        var project = Unique("lines");
        var lines = string.Join('\n', Enumerable.Range(0, 3_000).Select(i => JsonSerializer.Serialize(new { content = $"line {i}", projectId = project }))) + "\n{\"content\":7}\n";

        var answer = await System.Http.AskAsync(HttpMethod.Post, "/api/v1/memories:batch", Asking.Json(lines, "application/x-ndjson"));

        Assert.Equal(200, answer.Status);
        Assert.Equal((3_000, 1), (answer.Body.GetProperty("counts").GetProperty("created").GetInt32(), answer.Body.GetProperty("counts").GetProperty("error").GetInt32()));
        Assert.Equal(3_000, await running.Database.ScalarAsync<long>("SELECT count(*) FROM memories WHERE project_id = $1", project));
    }

    [Fact]
    public async Task A_change_needs_the_version_it_is_based_on_and_keeps_what_was()
    {
        var stored = await Memories.AddAsync(new NewMemory { Content = $"Before {Guid.NewGuid()}", Title = "t", Tags = ["a"] }, Ct);
        var path = $"/api/v1/memories/{stored.Id}";

        var blind = await System.Http.AskAsync(HttpMethod.Patch, path, JsonContent.Create(new { title = "x" }));
        var stale = await System.Http.AskAsync(HttpMethod.Patch, path, JsonContent.Create(new { title = "x" }), ("If-Match", "\"9\""));
        var changed = await Memories.PatchAsync(stored.Id, new { content = $"After {stored.Id}", title = (string?)null, tags = new[] { "b" } }, 1, Ct);

        Assert.Equal((428, ErrorCodes.PreconditionRequired), (blind.Status, blind.Code));
        Assert.Equal((412, ErrorCodes.VersionMismatch), (stale.Status, stale.Code));
        Assert.Equal((2, null, "b"), (changed.Version, changed.Title, changed.Tags.Single()));
        var history = (await Memories.HistoryAsync(stored.Id, Ct)).Items;
        Assert.Equal((1, "update", stored.Content), (Assert.Single(history).Version, history[0].Change, history[0].Memory.Content));
    }

    [Fact]
    public async Task A_deleted_memory_is_gone_from_lists_and_searches_until_it_is_restored()
    {
        var project = Unique("deleted");
        var word = $"zyx{Guid.NewGuid():n}"[..12];
        var stored = await Memories.AddAsync(new NewMemory { Content = $"The word {word} is here", ProjectId = project }, Ct);
        await EmbeddedAsync(stored.Id);

        await Memories.DeleteAsync(stored.Id, Ct);

        Assert.Equal(404, (await System.Http.AskAsync(HttpMethod.Get, $"/api/v1/memories/{stored.Id}")).Status);
        Assert.Empty((await Memories.ListAsync([new("projectId", project)], Ct)).Items);
        Assert.Empty((await System.Search.SearchAsync(new SearchRequest { Query = word, ProjectId = project }, Ct)).Hits);
        Assert.NotNull(Assert.Single((await Memories.ListAsync([new("projectId", project), new("includeDeleted", "true")], Ct)).Items).DeletedAt);

        var restored = await Memories.RestoreAsync(stored.Id, Ct);
        Assert.Equal(3, restored.Version);
        await EmbeddedAsync(stored.Id);
        Assert.Equal(stored.Id, Assert.Single((await System.Search.SearchAsync(new SearchRequest { Query = word, ProjectId = project }, Ct)).Hits).Id);
    }

    [Fact]
    public async Task Pages_show_every_memory_once()
    {
        var project = Unique("pages");
        await Memories.AddBatchAsync([.. Enumerable.Range(0, 25).Select(i => new NewMemory { Content = $"number {i}", ProjectId = project })], ct: Ct);

        var seen = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = await Memories.ListAsync([new("projectId", project), new("limit", "10"), new("cursor", cursor)], Ct);
            seen.AddRange(page.Items.Select(m => m.Id));
            cursor = page.NextCursor;
        }
        while (cursor is not null);

        Assert.Equal((25, 25), (seen.Count, seen.Distinct().Count()));
    }

    [Fact]
    public async Task Four_mebibytes_are_stored_whole_and_found_at_their_end()
    {
        var project = Unique("long");
        var text = string.Concat(Enumerable.Range(0, 120_000).Select(i => $"Sentence number {i} about nothing much.\n"))[..(4 * 1024 * 1024 - 200)] + "\nAt the very end a walrus plays the hurdy-gurdy.";

        var stored = await Memories.AddAsync(new NewMemory { Content = text, ProjectId = project }, Ct);
        var beginning = await Memories.AddAsync(new NewMemory { Content = text[..20_000], ProjectId = project }, Ct);
        await Eventually.Async(() => Memories.GetAsync(stored.Id, Ct), m => m.Embedding == EmbeddingStates.Ready, "The embedding of 4 MiB", TimeSpan.FromMinutes(2));
        await EmbeddedAsync(beginning.Id);

        Assert.Equal(text, (await Memories.GetAsync(stored.Id, Ct)).Content);
        var found = await System.Search.SearchAsync(new SearchRequest { Query = "walrus plays the hurdy-gurdy", Mode = SearchModes.Vector, ProjectId = project }, Ct);
        Assert.Equal([stored.Id, beginning.Id], found.Hits.Select(h => h.Id));
    }
}

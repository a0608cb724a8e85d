using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>What a search finds, and what it says about it.</summary>
public sealed class SearchTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Each_mode_finds_what_it_can()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var words = await world.RememberAsync("The cache is invalidated whenever the configuration changes.");
        await world.RememberAsync("Bread is baked in the morning.");

        foreach (var mode in SearchModes.All)
        {
            var answer = await world.SearchAsync(new SearchRequest { Query = "why was the cache invalidated?", Mode = mode });

            Assert.Equal(words, answer.Hits[0].Id);
            Assert.Equal(mode, answer.Mode);
            Assert.Empty(answer.Degraded);
            Assert.Equal("builtin-hash-v1", answer.Model);
            Assert.Equal(mode != SearchModes.Text, answer.Hits[0].Similarity is not null);
        }
    }

    [Fact]
    public async Task Meaning_finds_other_forms_of_a_word_that_words_alone_do_not()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var memory = await world.RememberAsync("The deployment of the authentication gateway");
        await world.RememberAsync("Bread is baked in the morning.");

        var byWords = await world.IdsAsync(new SearchRequest { Query = "redeploying authgateway", Mode = SearchModes.Text });
        var byMeaning = await world.IdsAsync(new SearchRequest { Query = "redeploying authgateway", Mode = SearchModes.Vector });

        Assert.Empty(byWords);
        Assert.Equal(memory, byMeaning[0]);
    }

    [Fact]
    public async Task A_question_needs_only_one_of_its_words_and_the_rarest_counts_most()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var common = Enumerable.Range(0, 20).Select(i => SearchWorld.Draft($"server number {i} was restarted")).ToList();
        var rare = SearchWorld.Draft("the flux capacitor was calibrated");
        await world.RememberAsync([.. common, rare]);

        var hits = await world.IdsAsync(new SearchRequest { Query = "which server has the capacitor?", Mode = SearchModes.Text, Limit = 21 });

        Assert.Equal(rare.Id, hits[0]);
        Assert.Equal(21, hits.Count);
    }

    [Theory]
    [InlineData("get_user_by_id")]
    [InlineData("getUserById")]
    [InlineData("user")]
    [InlineData("GETUSERBYID")]
    public async Task An_identifier_is_found_whole_and_by_its_parts(string query)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var memory = await world.RememberAsync("def getUserById(id): return users[id]");
        await world.RememberAsync("def bake(bread): return oven(bread)");

        var hits = await world.IdsAsync(new SearchRequest { Query = query, Mode = SearchModes.Text });

        Assert.Equal([memory], hits);
    }

    [Fact]
    public async Task A_memory_without_a_vector_yet_is_found_by_its_words()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync("Bread is baked in the morning.");
        var pending = SearchWorld.Draft("The cache is invalidated whenever the configuration changes.");
        await world.StoreAsync(pending);

        var answer = await world.SearchAsync("cache configuration");

        Assert.Equal(pending.Id, answer.Hits[0].Id);
        Assert.Null(answer.Hits[0].Similarity);
        Assert.Empty(answer.Degraded);
    }

    [Fact]
    public async Task Deleted_expired_and_superseded_memories_are_not_found()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var now = DateTimeOffset.UtcNow;
        var there = SearchWorld.Draft("apple one") with { ExpiresAt = now.AddHours(1) };
        var expired = SearchWorld.Draft("apple two") with { ExpiresAt = now.AddHours(-1) };
        var superseded = SearchWorld.Draft("apple three");
        var deleted = SearchWorld.Draft("apple four");
        await world.RememberAsync([there, expired, superseded, deleted]);
        await world.Database.ExecuteAsync("UPDATE memories SET superseded_by = $1 WHERE id = $2", there.Id, superseded.Id);
        await world.Host.Get<Storage.MemoryWriteStore>().DeleteAsync(deleted.Id, null, TestContext.Current.CancellationToken);

        foreach (var mode in SearchModes.All)
        {
            Assert.Equal([there.Id], await world.IdsAsync(new SearchRequest { Query = "apple", Mode = mode }));
        }

        var old = JsonElement.Parse($$"""{"field":"supersededBy","op":"eq","value":"{{there.Id}}"}""");
        Assert.Equal([superseded.Id], await world.IdsAsync(new SearchRequest { Query = "apple", Filter = old }));
    }

    [Fact]
    public async Task A_changed_memory_is_judged_by_what_it_is_now_not_by_what_its_vector_row_says()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var memory = SearchWorld.Draft("apple") with { ProjectId = "old" };
        await world.RememberAsync(memory);
        await world.Host.Get<Storage.MemoryWriteStore>().UpdateAsync(
            memory.Id, null, _ => memory with { ProjectId = "new" }, TestContext.Current.CancellationToken);

        Assert.Empty(await world.IdsAsync(new SearchRequest { Query = "apple", ProjectId = "old", Mode = SearchModes.Vector }));
        Assert.Equal([memory.Id], await world.IdsAsync(new SearchRequest { Query = "apple", ProjectId = "new" }));
    }

    [Fact]
    public async Task A_hit_says_everything_about_its_memory()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var draft = SearchWorld.Chunk("repo", "src/Cache.cs", 10, 42, "class Cache { }") with
        {
            Title = "Cache",
            ProjectId = "p",
            AgentId = "a",
            WorkflowId = "w",
            SessionId = "s",
            Tags = ["x", "y"],
        };
        await world.RememberAsync(draft);

        var hit = Assert.Single((await world.SearchAsync("cache")).Hits);

        Assert.Equal(
            (draft.Id, "rag", "repository", "Cache", "class Cache { }", "p", "a", "w", "repo", "s"),
            (hit.Id, hit.Type, hit.Source, hit.Title, hit.Content, hit.ProjectId, hit.AgentId, hit.WorkflowId, hit.RepoId, hit.SessionId));
        Assert.Equal(("src/Cache.cs", new LineRange(10, 42)), (hit.Path, hit.Lines));
        Assert.Equal(["x", "y"], hit.Tags);
        Assert.Equal(draft.OccurredAt, hit.OccurredAt);
        Assert.Equal(42, hit.Metadata.GetProperty("lines").GetProperty("end").GetInt32());
        Assert.Null(hit.Explain);
        Assert.Null(hit.Origin);
    }

    [Theory]
    [InlineData("""{"path":7,"lines":{"start":"one","end":2}}""")]
    [InlineData("""{"path":null,"lines":[1,2]}""")]
    [InlineData("""{"path":"a.txt","lines":{"start":1.5,"end":1e300}}""")]
    [InlineData("""{"path":{"a":1},"lines":"1-2"}""")]
    public async Task Metadata_that_only_look_like_a_place_in_a_file_do_no_harm(string metadata)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync([SearchWorld.Draft("apple one") with { Metadata = metadata }, SearchWorld.Draft("apple two") with { Metadata = metadata }]);

        var answer = await world.SearchAsync(new SearchRequest { Query = "apple", GroupBy = "none" });

        Assert.Equal(2, answer.Hits.Count);
        Assert.All(answer.Hits, h => Assert.Null(h.Lines));
    }

    [Theory]
    [InlineData("weighted")]
    [InlineData("rrf")]
    public async Task The_explanation_adds_up(string fusion)
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: ("Search:Fusion", fusion));
        await world.RememberAsync([.. Enumerable.Range(1, 30).Select(i => SearchWorld.Chunk("r", $"f{i / 3}.md", i * 10, (i * 10) + 9, $"apple {i} {(i % 4 == 0 ? "pear tree" : "stone")}"))]);

        var answer = await world.SearchAsync(new SearchRequest { Query = "apple pear", Explain = true, Limit = 30 });

        Assert.Equal(30, answer.Hits.Count);
        Assert.All(answer.Hits, h => Assert.Equal(h.Score, h.Explain!.Fused + h.Explain.Neighbour, 9));
        Assert.All(answer.Hits, h => Assert.Equal(h.Similarity, h.Explain!.Vector!.Similarity));
        Assert.Equal(Enumerable.Range(1, 30), answer.Hits.Select(h => h.Explain!.Vector!.Rank).Order());
        Assert.Equal(Enumerable.Range(1, 30), answer.Hits.Select(h => h.Explain!.Text!.Rank).Order());
        Assert.Equal(answer.Hits.Max(h => h.Explain!.Text!.Score), answer.Hits.Single(h => h.Explain!.Text!.Rank == 1).Explain!.Text!.Score);
        Assert.Equal(answer.Hits.OrderByDescending(h => h.Score).ThenBy(h => h.Id).Select(h => h.Id), answer.Hits.Select(h => h.Id));
        Assert.Contains(answer.Hits, h => h.Explain!.Neighbour > 0);
    }

    [Fact]
    public async Task Explanations_name_only_the_arms_that_took_part()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync("apple");

        var vector = (await world.SearchAsync(new SearchRequest { Query = "apple", Mode = SearchModes.Vector, Explain = true })).Hits[0];
        var text = (await world.SearchAsync(new SearchRequest { Query = "apple", Mode = SearchModes.Text, Explain = true })).Hits[0];

        Assert.Null(vector.Explain!.Text);
        Assert.Equal(vector.Similarity!.Value, vector.Score);
        Assert.Null(text.Explain!.Vector);
        Assert.Equal(text.Explain.Text!.Score, text.Score);
        Assert.True(text.Score > 0);
    }

    [Fact]
    public async Task Similarity_is_one_minus_the_cosine_distance_and_the_threshold_is_on_it()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync([SearchWorld.Draft("the red apple"), SearchWorld.Draft("the red apple falls"), SearchWorld.Draft("quite something else")]);

        var all = (await world.SearchAsync(new SearchRequest { Query = "the red apple", Mode = SearchModes.Vector })).Hits;
        var near = (await world.SearchAsync(new SearchRequest { Query = "the red apple", Mode = SearchModes.Vector, Threshold = all[1].Similarity })).Hits;
        var hybrid = (await world.SearchAsync(new SearchRequest { Query = "the red apple", Threshold = 0.99 })).Hits;

        Assert.Equal(1, all[0].Similarity!.Value, 0.001);
        Assert.Equal(3, all.Count);
        Assert.Equal(all.Take(2).Select(h => h.Id), near.Select(h => h.Id));
        Assert.Equal([all[0].Id], hybrid.Select(h => h.Id));
    }

    [Theory]
    [InlineData("the of and")]
    [InlineData("?!")]
    [InlineData("%s %n {0} '; DROP TABLE memories; --")]
    [InlineData("a & b | !c :* <-> ( ' \\ \"")]
    [InlineData("\ud83d\ude00")]
    [InlineData("nul\u0000byte")]
    public async Task A_question_is_text_whatever_it_looks_like(string query)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var memory = await world.RememberAsync("Bread");

        foreach (var mode in SearchModes.All)
        {
            var answer = await world.SearchAsync(new SearchRequest { Query = query, Mode = mode });
            Assert.All(answer.Hits, h => Assert.Equal(memory, h.Id));
        }

        Assert.Equal([memory], await world.IdsAsync(new SearchRequest { Query = "bread" }));
    }

    [Fact]
    public async Task The_longest_question_is_answered()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var memory = await world.RememberAsync("word777 is the one");
        var query = string.Join(' ', Enumerable.Range(0, 2_000).Select(i => $"word{i}"))[..SearchRequest.MaxQueryLength];

        Assert.Equal([memory], await world.IdsAsync(new SearchRequest { Query = query }));
    }

    [Fact]
    public async Task A_memory_of_many_parts_is_one_hit_with_its_nearest_part()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var filler = string.Join(' ', Enumerable.Repeat("lorem ipsum dolor sit amet", 1_500));
        var longOne = SearchWorld.Draft($"{filler}\n\nthe flux capacitor needs calibration\n\n{filler}");
        await world.RememberAsync([longOne, SearchWorld.Draft("bread and butter")]);
        Assert.True(await world.Database.ScalarAsync<long>("SELECT count(*) FROM embedding_1 WHERE memory_id = $1", longOne.Id) > 2);

        var answer = await world.SearchAsync(new SearchRequest { Query = "lorem ipsum flux capacitor" });

        Assert.Single(answer.Hits, h => h.Id == longOne.Id);
        var nearest = await world.SearchAsync(new SearchRequest { Query = "lorem ipsum flux capacitor", Mode = SearchModes.Vector });
        Assert.Equal(longOne.Id, nearest.Hits[0].Id);
        Assert.Equal(2, nearest.Hits.Count);
    }

    [Fact]
    public async Task A_memory_whose_parts_are_all_the_nearest_leaves_room_for_others()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var longOne = SearchWorld.Draft("the flux capacitor needs calibration");
        await world.RememberAsync([longOne, .. Enumerable.Range(0, 20).Select(i => SearchWorld.Draft($"flux of the river {i}"))]);
        // More parts than a search for ten by nearness alone takes from the index.
        await world.Database.ExecuteAsync($"""
            INSERT INTO embedding_1 SELECT tenant_id, memory_id, n, embedding, memory_type, source_system, project_id, repo_id, occurred_at
            FROM embedding_1, generate_series(1, 300) AS n WHERE memory_id = '{longOne.Id}'
            """);

        var answer = await world.SearchAsync(new SearchRequest { Query = "the flux capacitor needs calibration", Mode = SearchModes.Vector, Limit = 10 });

        Assert.Equal(10, answer.Hits.Count);
        Assert.Equal(longOne.Id, answer.Hits[0].Id);
        Assert.Equal(10, answer.Hits.DistinctBy(h => h.Id).Count());
    }

    [Fact]
    public async Task What_is_out_of_the_way_does_not_hide_what_is_near_enough_behind_it()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var now = SearchWorld.Draft("the newest word on apples");
        var former = Enumerable.Range(0, 60).Select(_ => SearchWorld.Draft("the red apple") with { Id = Guid.CreateVersion7() }).ToList();
        await world.RememberAsync([now, .. former, .. Enumerable.Range(0, 12).Select(i => SearchWorld.Draft($"the red apple {i}"))]);
        await world.Database.ExecuteAsync($"UPDATE memories SET superseded_by = '{now.Id}' WHERE content = 'the red apple'");

        var answer = await world.SearchAsync(new SearchRequest { Query = "the red apple", Mode = SearchModes.Vector, Threshold = 0.1, Limit = 10 });

        Assert.Equal(10, answer.Hits.Count);
        Assert.All(answer.Hits, h => Assert.StartsWith("the red apple ", h.Content, StringComparison.Ordinal));
    }
}

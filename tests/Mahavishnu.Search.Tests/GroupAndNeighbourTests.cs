using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search.Tests;

/// <summary>Memories that belong together: chunks of a file, turns of a session, a memory and those like it.</summary>
public sealed class GroupAndNeighbourTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Start = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    private static MemoryDraft Turn(string session, int minute, string content) =>
        SearchWorld.Draft(content) with { SessionId = session, OccurredAt = Start.AddMinutes(minute) };

    [Fact]
    public async Task A_group_has_one_hit_its_best()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var a = Enumerable.Range(0, 40).Select(i => SearchWorld.Chunk("r", "a.md", i * 10, (i * 10) + 5, $"apple pear {i}")).ToList();
        var sameNameElsewhere = SearchWorld.Chunk("other", "a.md", 1, 5, "apple of another repository");
        var b = SearchWorld.Chunk("r", "b.md", 1, 5, "apple");
        var alone = new[] { SearchWorld.Draft("apple tart"), SearchWorld.Draft("apple juice") };
        await world.RememberAsync([.. a, sameNameElsewhere, b, .. alone]);

        var all = (await world.SearchAsync(new SearchRequest { Query = "apple pear", Limit = 60 })).Hits;
        var grouped = (await world.SearchAsync(new SearchRequest { Query = "apple pear", GroupBy = "file", Limit = 10 })).Hits;

        Assert.Equal(44, all.Count);
        Assert.Equal(5, grouped.Count);
        Assert.Equal(all[0].Id, grouped[0].Id);
        Assert.Equal(
            new HashSet<Guid> { all.First(h => h.RepoId == "r" && h.Path == "a.md").Id, sameNameElsewhere.Id, b.Id, alone[0].Id, alone[1].Id },
            grouped.Select(h => h.Id).ToHashSet());
    }

    [Fact]
    public async Task Groups_fill_the_limit_however_many_hits_the_first_one_has()
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: ("Search:Candidates", "10"));
        var talk = Enumerable.Range(0, 300).Select(i => Turn("long", i, $"apple apple apple {i}")).ToList();
        var others = Enumerable.Range(0, 5).Select(i => Turn($"short {i}", i, $"one apple and much else besides, number {i}, with bread and butter")).ToList();
        await world.RememberAsync([.. talk, .. others]);

        foreach (var mode in SearchModes.All)
        {
            var hits = (await world.SearchAsync(new SearchRequest { Query = "apple", GroupBy = "session", Limit = 6, Mode = mode })).Hits;

            Assert.Equal(6, hits.Count);
            Assert.Equal(6, hits.Select(h => h.SessionId).Distinct().Count());
        }
    }

    [Fact]
    public async Task The_turn_beside_a_good_one_is_lifted_over_its_equal_elsewhere()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var asked = Turn("s1", 0, "Which database does the billing service use?");
        var answered = Turn("s1", 1, "Postgres, since March, with the usual service settings.");
        var twin = Turn("s2", 0, "Postgres, since March, with the usual service settings.");
        var between = Turn("s3", 1, "unrelated words about bread");
        await world.RememberAsync([
            asked, answered, twin,
            Turn("s3", 0, "Which database does the billing service use? I asked."), between, Turn("s3", 2, "Postgres, since March, with the usual service settings, I say."),
            .. Enumerable.Range(0, 30).Select(i => SearchWorld.Draft($"service note {i}"))]);

        var hits = (await world.SearchAsync(new SearchRequest { Query = "database of the billing service", Explain = true, Limit = 50 })).Hits.ToDictionary(h => h.Id);

        Assert.True(hits[answered.Id].Score > hits[twin.Id].Score);
        Assert.Equal(hits[twin.Id].Explain!.Fused, hits[answered.Id].Explain!.Fused, 6);
        Assert.Equal(0.4 * hits[asked.Id].Explain!.Fused, hits[answered.Id].Explain!.Neighbour, 6);
        Assert.Equal(0, hits[twin.Id].Explain!.Neighbour);
    }

    [Fact]
    public async Task Turns_with_another_between_them_are_no_neighbours_even_if_that_one_is_not_found()
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: ("Search:Candidates", "10"));
        var first = Turn("s", 0, "billing database question");
        var last = Turn("s", 2, "billing database answer");
        await world.RememberAsync([
            first, Turn("s", 1, "bread"), last,
            .. Enumerable.Range(0, 40).Select(i => SearchWorld.Draft($"billing database note {i}"))]);

        var hits = (await world.SearchAsync(new SearchRequest { Query = "billing database question answer", Explain = true, Limit = 3 })).Hits;

        Assert.DoesNotContain(hits, h => h.Content == "bread");
        Assert.All(hits.Where(h => h.Id == first.Id || h.Id == last.Id), h => Assert.Equal(0, h.Explain!.Neighbour));
        Assert.Contains(hits, h => h.Id == first.Id);
    }

    [Fact]
    public async Task Chunks_are_neighbours_where_their_lines_meet()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var one = SearchWorld.Chunk("r", "a.cs", 1, 20, "class BillingDatabase opens");
        var two = SearchWorld.Chunk("r", "a.cs", 19, 40, "reads rows");
        var far = SearchWorld.Chunk("r", "a.cs", 90, 99, "reads rows far away");
        var elsewhere = SearchWorld.Chunk("q", "a.cs", 21, 40, "reads rows elsewhere");
        await world.RememberAsync([one, two, far, elsewhere]);

        var hits = (await world.SearchAsync(new SearchRequest { Query = "billing database rows", Explain = true })).Hits.ToDictionary(h => h.Id);

        // A tenth: the chunk before a function says less about it than a question about its answer.
        Assert.Equal(0.1 * hits[one.Id].Explain!.Fused, hits[two.Id].Explain!.Neighbour, 6);
        Assert.Equal(0, hits[far.Id].Explain!.Neighbour);
        Assert.Equal(0, hits[elsewhere.Id].Explain!.Neighbour);
    }

    [Fact]
    public async Task More_like_a_memory_finds_its_neighbours_and_not_itself()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var self = await world.RememberAsync("The billing service reads invoices from the database");
        var kin = await world.RememberAsync("Invoices of the billing service are read from another database");
        await world.RememberAsync("Bread is baked in the morning");

        foreach (var mode in SearchModes.All)
        {
            var hits = await world.IdsAsync(new SearchRequest { Like = self.ToString(), Mode = mode });

            Assert.Equal(kin, hits[0]);
            Assert.DoesNotContain(self, hits);
        }
    }

    [Fact]
    public async Task More_like_a_memory_without_a_vector_goes_by_its_words_and_says_so()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var kin = await world.RememberAsync("Invoices of the billing service");
        var pending = SearchWorld.Draft("The billing service");
        await world.StoreAsync(pending);

        var hybrid = await world.SearchAsync(new SearchRequest { Like = pending.Id.ToString() });
        var vector = await world.SearchAsync(new SearchRequest { Like = pending.Id.ToString(), Mode = SearchModes.Vector });

        Assert.Equal([kin], hybrid.Hits.Select(h => h.Id));
        Assert.Equal([ErrorCodes.Degraded.EmbeddingPending], hybrid.Degraded);
        Assert.Empty(vector.Hits);
        Assert.Equal([ErrorCodes.Degraded.EmbeddingPending], vector.Degraded);
    }

    [Fact]
    public async Task More_like_nothing_is_not_found()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var deleted = await world.RememberAsync("apple");
        await world.Host.Get<MemoryWriteStore>().DeleteAsync(deleted, null, TestContext.Current.CancellationToken);

        foreach (var id in new[] { deleted, Guid.CreateVersion7() })
        {
            foreach (var path in new[] { "", "/unified" })
            {
                var (status, body) = await world.PostAsync($$"""{"like":"{{id}}"}""", path);

                Assert.Equal(System.Net.HttpStatusCode.NotFound, status);
                Assert.Equal(ErrorCodes.NotFound, (string?)body["code"]);
                Assert.Contains(id.ToString(), (string?)body["detail"], StringComparison.Ordinal);
            }
        }
    }
}

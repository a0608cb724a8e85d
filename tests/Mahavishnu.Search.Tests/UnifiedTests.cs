using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>One list over everything, each hit naming its origin.</summary>
public sealed class UnifiedTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static async Task<(SearchWorld World, Guid Own, Guid Imported, Guid Shared, Guid Foreign)> FillAsync(PostgresFixture postgres)
    {
        var world = await SearchWorld.StartAsync(postgres);
        var own = SearchWorld.Draft("apple of our own") with { ProjectId = "ours" };
        var imported = SearchWorld.Draft("apple from the old system") with { ProjectId = "ours", Source = "session_buddy", Type = MemoryTypes.Insight };
        var shared = SearchWorld.Draft("apple of theirs, shared") with { ProjectId = "theirs", Type = MemoryTypes.Insight };
        var foreign = SearchWorld.Draft("apple of theirs, kept") with { ProjectId = "theirs" };
        await world.RememberAsync([own, imported, shared, foreign]);
        await world.Database.ExecuteAsync("INSERT INTO insight_shares (memory_id, project_id) VALUES ($1, 'ours'), ($2, 'others')", shared.Id, foreign.Id);
        return (world, own.Id, imported.Id, shared.Id, foreign.Id);
    }

    [Fact]
    public async Task Every_hit_names_its_origin()
    {
        var (world, own, imported, shared, foreign) = await FillAsync(postgres);
        await using var _ = world;

        foreach (var mode in SearchModes.All)
        {
            var ours = await world.Host.Search.UnifiedAsync(new SearchRequest { Query = "apple", ProjectId = "ours", Mode = mode }, Ct);
            var all = await world.Host.Search.UnifiedAsync(new SearchRequest { Query = "apple", Mode = mode }, Ct);

            Assert.Equal(
                new Dictionary<Guid, string?> { [own] = "memories", [imported] = "session_buddy", [shared] = "shared" },
                ours.Hits.ToDictionary(h => h.Id, h => h.Origin));
            Assert.Equal(
                new Dictionary<Guid, string?> { [own] = "memories", [imported] = "session_buddy", [shared] = "memories", [foreign] = "memories" },
                all.Hits.ToDictionary(h => h.Id, h => h.Origin));
            Assert.Empty(ours.Degraded);
        }
    }

    [Fact]
    public async Task The_plain_search_of_a_project_leaves_shared_memories_out()
    {
        var (world, own, imported, _, _) = await FillAsync(postgres);
        await using var _1 = world;

        Assert.Equal(new HashSet<Guid> { own, imported }, (await world.IdsAsync(new SearchRequest { Query = "apple", ProjectId = "ours" })).ToHashSet());
    }

    [Fact]
    public async Task A_source_that_fails_is_named_and_the_others_answer()
    {
        var (world, own, imported, _, _) = await FillAsync(postgres);
        await using var _1 = world;
        await world.Database.ExecuteAsync("DROP TABLE insight_shares");

        var answer = await world.Host.Search.UnifiedAsync(new SearchRequest { Query = "apple", ProjectId = "ours", Limit = 10 }, Ct);
        var first = await world.Host.Search.UnifiedAsync(new SearchRequest { Query = "apple", ProjectId = "ours", Limit = 1 }, Ct);

        Assert.Equal([ErrorCodes.Degraded.SourceFailed("shared")], answer.Degraded);
        Assert.Equal(
            new Dictionary<Guid, string?> { [own] = "memories", [imported] = "session_buddy" },
            answer.Hits.ToDictionary(h => h.Id, h => h.Origin));
        Assert.Equal([answer.Hits[0].Id], first.Hits.Select(h => h.Id));
    }

    [Fact]
    public async Task When_every_source_fails_so_does_the_search()
    {
        var (world, _, _, _, _) = await FillAsync(postgres);
        await using var _1 = world;
        await world.Database.ExecuteAsync("ALTER TABLE memories RENAME TO gone");

        var failure = await Assert.ThrowsAsync<ApiException>(() => world.Host.Search.UnifiedAsync(new SearchRequest { Query = "apple" }, Ct));

        Assert.InRange(failure.Status, 500, 599);
    }
}

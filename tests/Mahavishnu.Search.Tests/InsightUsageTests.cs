using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>Searches count the insights that they answer with.</summary>
public sealed class InsightUsageTests(PostgresFixture postgres)
{
    [Fact]
    public async Task An_insight_that_is_found_is_counted_and_nothing_else_is()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var insight = SearchWorld.Draft("apple insight") with { Type = MemoryTypes.Insight };
        await world.RememberAsync([insight, SearchWorld.Draft("apple turn")]);

        Assert.Equal(2, (await world.SearchAsync("apple")).Hits.Count);
        Assert.Equal(2, (await world.Host.Search.UnifiedAsync(new SearchRequest { Query = "apple" }, TestContext.Current.CancellationToken)).Hits.Count);
        Assert.Empty((await world.SearchAsync(new SearchRequest { Query = "apple", Types = [MemoryTypes.Rag] })).Hits);

        var counted = await Eventually.Async(
            () => world.Database.RowsAsync("SELECT memory_id, found, read FROM insight_usage"), rows => rows.Sum(r => (long)r[1]!) >= 2, "Both searches are counted");
        Assert.Equal((insight.Id, 2L, 0L), counted.Select(r => ((Guid)r[0]!, (long)r[1]!, (long)r[2]!)).Single());
    }
}

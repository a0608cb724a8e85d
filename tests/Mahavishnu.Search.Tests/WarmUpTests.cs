namespace Mahavishnu.Search.Tests;

/// <summary>What is brought into memory before the first search.</summary>
public sealed class WarmUpTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Indexes_and_tables_are_read_where_the_server_can()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync("apple pie");
        var store = world.Host.Get<WarmStore>();

        Assert.Null(await store.ReadAsync(await world.SpaceAsync(), Ct));
        Assert.SkipUnless(await world.Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_prewarm')"), "The server has no pg_prewarm.");
        await world.Database.ExecuteAsync("CREATE EXTENSION pg_prewarm SCHEMA public");

        // Without a vector index: the vectors and their key, the memories, their key and their words.
        Assert.Equal(5, await store.ReadAsync(await world.SpaceAsync(), Ct));
        Assert.Equal(3, await store.ReadAsync(null, Ct));
    }

    [Fact]
    public async Task Memories_from_all_over_the_store_lead_through_the_index()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync([.. Enumerable.Range(0, 300).Select(i => SearchWorld.Draft($"note {i}"))]);
        await world.AnalyzeAsync();

        var ids = await world.Host.Get<WarmStore>().SampleAsync(await world.SpaceAsync(), 7, Ct);
        await world.Host.Get<SearchWarmUp>().RunAsync(Ct);

        Assert.Equal(7, ids.Distinct().Count());
    }

    [Fact]
    public async Task A_store_without_a_space_or_a_memory_is_warm_at_once()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.Database.ExecuteAsync("DELETE FROM embedding_spaces");
        world.Host.Get<ActiveSpace>().Forget();

        await world.Host.Get<SearchWarmUp>().RunAsync(Ct);

        Assert.Empty((await world.SearchAsync("apple")).Hits);
    }
}

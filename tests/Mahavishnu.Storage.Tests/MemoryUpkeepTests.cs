namespace Mahavishnu.Storage.Tests;

/// <summary>The memories' indexes after many were written.</summary>
public sealed class MemoryUpkeepTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_many_writes_the_new_words_are_put_into_the_index_and_counted()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await stores.Database.ExecuteAsync("ALTER TABLE memories SET (autovacuum_enabled = off)");
        var upkeep = new MemoryUpkeepStore(stores.Database.DataSource);
        var before = await upkeep.CountChangesAsync(Ct);
        await stores.WriteAsync([.. Enumerable.Range(0, 1_500).Select(i => Stores.Draft($"common word {i}"))]);
        await stores.Database.ExecuteAsync("SELECT pg_stat_force_next_flush()");
        var after = await Eventually.Async(() => upkeep.CountChangesAsync(Ct), count => count >= before + 1_500, "The count of the changes");

        Assert.True(await upkeep.TidyAsync(Ct));

        Assert.Equal(before + 1_500, after);
        Assert.Equal(0, await stores.Database.ScalarAsync<long>("SELECT gin_clean_pending_list('memories_words') + gin_clean_pending_list('memories_metadata')"));
        Assert.True(await stores.Database.ScalarAsync<bool>("SELECT 'common' = ANY(most_common_elems::text::text[]) FROM pg_stats WHERE tablename = 'memories' AND attname = 'words'"));
    }

    [Fact]
    public async Task Few_writes_are_not_worth_counting_the_words()
    {
        await using var stores = await Stores.CreateAsync(postgres);
        await stores.WriteAsync(Stores.Draft("a word"));

        Assert.False(await new MemoryUpkeepStore(stores.Database.DataSource).TidyAsync(Ct));
    }
}

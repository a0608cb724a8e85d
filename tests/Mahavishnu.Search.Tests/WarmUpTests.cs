using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Mahavishnu.Search.Tests;

/// <summary>What is brought into memory before the first search.</summary>
public sealed class WarmUpTests(PostgresFixture postgres)
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Indexes_and_tables_are_read_where_the_server_can()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync("apple pie");
        var store = world.Host.Get<WarmStore>();

        Assert.SkipUnless(await world.Database.ScalarAsync<bool>("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_prewarm')"), "The server has no pg_prewarm.");

        // Without a vector index: the vectors and their key, the memories, their key and their words.
        Assert.Equal(5, await store.ReadAsync(await world.SpaceAsync(), Long, Ct));
        Assert.Equal(3, await store.ReadAsync(null, Long, Ct));
        Assert.Equal(0, await store.ReadAsync(null, TimeSpan.Zero, Ct));

        await world.Database.ExecuteAsync("DROP EXTENSION pg_prewarm");
        Assert.Null(await store.ReadAsync(await world.SpaceAsync(), Long, Ct));
    }

    [Fact]
    public async Task What_a_search_reads_is_in_the_buffers_afterwards()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync([.. Enumerable.Range(0, 300).Select(i => SearchWorld.Draft($"note {i}"))]);
        Assert.SkipUnless(await world.Database.ScalarAsync<bool>("SELECT count(*) = 2 FROM pg_available_extensions WHERE name IN ('pg_prewarm', 'pg_buffercache')"), "The server has no contrib modules.");
        await world.Database.ExecuteAsync("CREATE EXTENSION pg_buffercache");
        // Writes the table and its indexes anew, the B-trees past the buffers.
        await world.Database.ExecuteAsync("VACUUM FULL memories");

        await world.Host.Get<WarmStore>().ReadAsync(await world.SpaceAsync(), Long, Ct);

        foreach (var name in (string[])["memories", "memories_pkey", "memories_words"])
        {
            Assert.Equal(await world.Database.ScalarAsync<long>("SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int", name), await InBuffersAsync(world, name));
        }
    }

    private static async Task<long> InBuffersAsync(SearchWorld world, string relation) => await world.Database.ScalarAsync<long>("""
        SELECT count(*) FROM pg_buffercache
        WHERE relfilenode = pg_relation_filenode($1) AND relforknumber = 0 AND reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        """, relation);

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
    public async Task It_comes_in_at_the_door_and_is_not_kept_as_a_question()
    {
        var atTheDoor = 0;
        await using var world = await SearchWorld.StartAsync(
            postgres,
            builder => builder.Services.AddSingleton<IStartupFilter>(new Counting(() =>
            {
                Interlocked.Increment(ref atTheDoor);
                return Task.CompletedTask;
            })),
            settings: [("Search:SampleShare", "1"), ("Search:RecallShare", "1")]);

        // It was ready before the world was handed over: three of each kind.
        Assert.Equal(6, atTheDoor);
        await world.RememberAsync("apple pie");
        await world.SearchAsync("apple");
        var kept = await Eventually.Async(() => world.Host.Get<SampledQueryStore>().ListAsync(10, Ct), k => k.Count > 0, "Keeping the question");

        Assert.Equal("apple", Assert.Single(kept).Query);
        Assert.Equal(7, atTheDoor);
    }

    [Fact]
    public async Task Over_a_large_store_it_asks_until_answers_are_quick()
    {
        const int Slow = 10;
        var (armed, atTheDoor) = (false, 0);
        await using var world = await SearchWorld.StartAsync(
            postgres,
            builder => builder.Services.AddSingleton<IStartupFilter>(new Counting(async () =>
            {
                if (Volatile.Read(ref armed) && Interlocked.Increment(ref atTheDoor) <= Slow)
                {
                    await Task.Delay(60, Ct);
                }
            })));
        await world.RememberAsync("apple pie");
        await world.AnalyzeAsync();
        // As large as a store says that it is.
        await world.Database.ExecuteAsync("UPDATE pg_class SET reltuples = 50000 WHERE oid = 'memories'::regclass");
        await world.Host.Get<LexemeStatistics>().RenewAsync(Ct);
        Volatile.Write(ref armed, true);

        await world.Host.Get<SearchWarmUp>().RunAsync(Ct);

        // Six quick ones after the last slow one.
        Assert.True(atTheDoor >= Slow + 6, $"It asked {atTheDoor} times.");
    }

    [Fact]
    public async Task Who_says_to_rehearse_without_being_the_service_asks_like_anybody()
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: ("Search:SampleShare", "1"));
        world.Host.Http.DefaultRequestHeaders.Add("Mahavishnu-Rehearsal", "true");

        await world.SearchAsync("apple");

        await Eventually.Async(() => world.Host.Get<SampledQueryStore>().ListAsync(10, Ct), k => k.Count == 1, "Keeping the question");
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

    private sealed class Counting(Func<Task> search) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, rest) =>
            {
                if (context.Request.Path.StartsWithSegments($"{Resources.Api}/{Resources.SearchRoute}", StringComparison.Ordinal))
                {
                    await search();
                }

                await rest(context);
            });
            next(app);
        };
    }
}

using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search.Tests;

/// <summary>A share of the questions that are asked is kept, beside the searches.</summary>
public sealed class SamplingTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static Task<IReadOnlyList<SampledQuery>> KeptAsync(SearchWorld world, int count) => Eventually.Async(
        () => world.Host.Get<SampledQueryStore>().ListAsync(100, Ct), k => k.Count == count, "Keeping the questions");

    [Fact]
    public async Task Questions_are_kept_once_with_their_scope()
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: ("Search:SampleShare", "1"));
        var memory = await world.RememberAsync("apple");
        var scoped = new SearchRequest { Query = "which  apple?", Types = ["rag", "agent"], Sources = ["test"], ProjectId = "p", RepoId = "r" };

        // None of these can be asked again by its vector and scope alone.
        await world.SearchAsync(new SearchRequest { Query = "words", Mode = SearchModes.Text });
        await world.SearchAsync(new SearchRequest { Like = memory.ToString() });
        await world.SearchAsync(new SearchRequest { Query = "tagged", Tags = ["a"] });
        await world.SearchAsync(new SearchRequest { Query = "filtered", Filter = JsonElement.Parse("""{"field":"tags","op":"exists"}""") });
        await world.SearchAsync(new SearchRequest { Query = "then", After = DateTimeOffset.UnixEpoch });
        await world.SearchAsync(new SearchRequest { Query = "of a session", SessionId = "s" });
        await world.SearchAsync(scoped);
        await world.SearchAsync(scoped with { Types = ["agent", "rag"], Mode = SearchModes.Vector });
        await world.SearchAsync("which  apple?");
        await world.Host.Search.UnifiedAsync(new SearchRequest { Query = "every apple?" }, Ct);

        var kept = await KeptAsync(world, 3);

        Assert.Equal(["every apple?", "which  apple?", "which  apple?"], kept.Select(k => k.Query).Order(StringComparer.Ordinal));
        var scope = Assert.Single(kept, k => k.Scope.ProjectId == "p").Scope;
        Assert.Equal("agent rag|test|p|r", $"{string.Join(' ', scope.Types)}|{string.Join(' ', scope.Sources)}|{scope.ProjectId}|{scope.RepoId}");

        // Asked again, it is one still, and the latest.
        await Eventually.Async(async () =>
        {
            await world.SearchAsync(scoped);
            return (await KeptAsync(world, 3))[0].Scope.ProjectId;
        }, p => p == "p", "The last time it was asked");
    }

    [Fact]
    public async Task The_oldest_go_and_so_do_all_where_none_are_wanted()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        var store = new SampledQueryStore(database.DataSource, new TenantScope());
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        SampledQuery Query(int n) => new($"apple {n}", new QueryScope(), start.AddMinutes(n));

        await store.AddAsync([.. Enumerable.Range(0, 10).Select(Query)], 4, Ct);
        Assert.Equal(["apple 9", "apple 8", "apple 7", "apple 6"], (await store.ListAsync(10, Ct)).Select(q => q.Query));

        // In one batch twice, and older than what is known: still the one, at its latest.
        await store.AddAsync([Query(20) with { Query = "apple 7" }, Query(1) with { Query = "apple 7" }, Query(2) with { Query = "apple 9" }], 4, Ct);
        Assert.Equal(["apple 7", "apple 9", "apple 8", "apple 6"], (await store.ListAsync(10, Ct)).Select(q => q.Query));
        Assert.Equal(["apple 7", "apple 9"], (await store.ListAsync(2, Ct)).Select(q => q.Query));

        await store.AddAsync([], 0, Ct);
        Assert.Empty(await store.ListAsync(10, Ct));
    }

    [Fact]
    public async Task Switched_off_nothing_is_kept_and_what_was_kept_goes()
    {
        await using var world = await SearchWorld.StartAsync(
            postgres,
            prepare: d => d.ExecuteAsync("INSERT INTO sampled_queries (query_hash, query) VALUES (sha256('a'), 'an old question')"),
            settings: [("Search:SampledQueries", "0"), ("Search:SampleShare", "1")]);

        await KeptAsync(world, 0);
        await world.SearchAsync("apple?");
        Assert.Empty(await world.Host.Get<SampledQueryStore>().ListAsync(10, Ct));
    }

    [Fact]
    public async Task A_sample_that_cannot_be_kept_fails_no_search()
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: ("Search:SampleShare", "1"));
        var memory = await world.RememberAsync("apple");
        await world.Database.ExecuteAsync("DROP TABLE sampled_queries");

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal([memory], await world.IdsAsync(new SearchRequest { Query = $"apple {i}" }));
        }

        await Eventually.Async(() => Task.FromResult(world.Host.Log.Lines.Any(l => l.Text.Contains("were not kept", StringComparison.Ordinal))), "Saying so");
    }

    [Fact]
    public void Settings_that_cannot_be_are_named()
    {
        var result = new SearchOptionsValidator().Validate(null, new SearchOptions { SampledQueries = -1, SampleShare = 1.5 });

        Assert.True(result.Failed);
        Assert.Contains("SampledQueries", result.FailureMessage, StringComparison.Ordinal);
        Assert.Contains("SampleShare", result.FailureMessage, StringComparison.Ordinal);
    }
}

using System.Net;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search.Tests;

/// <summary>Searching what was valid at a time, and what has been superseded since.</summary>
public sealed class FormerStateTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("hybrid", "")]
    [InlineData("text", "")]
    [InlineData("vector", "")]
    [InlineData("hybrid", "/unified")]
    public async Task A_search_finds_what_was_valid_then_with_the_words_it_had(string mode, string path)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var write = world.Host.Get<MemoryWriteStore>();
        var old = SearchWorld.Draft("the cache is Memcached") with { OccurredAt = DateTimeOffset.UtcNow };
        await world.RememberAsync(old);
        var first = await NowAsync(world);
        await write.UpdateAsync(old.Id, null, m => old with { Content = "the cache is Memcached 1.6", ProjectId = "p" }, Ct);
        var successor = SearchWorld.Draft("the cache is Redis") with { OccurredAt = DateTimeOffset.UtcNow, Supersedes = old.Id };
        await world.RememberAsync(successor);
        await world.EmbedAsync();
        var second = await NowAsync(world);

        Assert.Equal([successor.Id], Ids(await AskAsync(new SearchRequest())));
        var then = await AskAsync(new SearchRequest { AsOf = first });
        Assert.Equal((old.Id, "the cache is Memcached", (int?)1, (string?)null, (Guid?)null), then.Hits.Select(h => (h.Id, h.Content, h.ShownVersion, h.ProjectId, h.SupersededBy)).Single());
        Assert.Equal(first, then.AsOf);
        Assert.Equal([successor.Id], Ids(await AskAsync(new SearchRequest { AsOf = second })));
        Assert.Equal([], Ids(await AskAsync(new SearchRequest { AsOf = first.AddHours(-1) })));

        var both = await AskAsync(new SearchRequest { IncludeSuperseded = true });
        Assert.Equal([(successor.Id, null), (old.Id, successor.Id)], both.Hits.Select(h => (h.Id, h.SupersededBy)).OrderBy(h => h.SupersededBy.HasValue));
        Assert.Null(both.AsOf);
        Assert.Equal(2, (await AskAsync(new SearchRequest { AsOf = second, IncludeSuperseded = true })).Hits.Count);

        Task<SearchResponse> AskAsync(SearchRequest request)
        {
            request = request with { Query = "cache", Mode = mode };
            return path == "" ? world.SearchAsync(request) : world.Host.Search.UnifiedAsync(request, Ct);
        }
    }

    [Fact]
    public async Task What_was_deleted_since_is_found_by_its_words_and_a_limit_is_filled_behind_what_was_not_valid()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var write = world.Host.Get<MemoryWriteStore>();
        var deleted = SearchWorld.Draft("apple gone");
        await world.RememberAsync([deleted, .. Enumerable.Range(0, 5).Select(i => SearchWorld.Draft($"apple number {i}"))]);
        var then = await NowAsync(world);
        await write.DeleteAsync(deleted.Id, null, Ct);
        await world.RememberAsync([.. Enumerable.Range(0, 300).Select(i => SearchWorld.Draft($"apple {i}") with { OccurredAt = DateTimeOffset.UtcNow })]);
        await world.AnalyzeAsync();

        foreach (var mode in SearchModes.All)
        {
            var hits = (await world.SearchAsync(new SearchRequest { Query = "apple", Mode = mode, AsOf = then, Limit = 10 })).Hits;

            Assert.Equal(mode == SearchModes.Vector ? 5 : 6, hits.Count);
            Assert.Equal(mode != SearchModes.Vector, hits.Any(h => h.Id == deleted.Id));
        }
    }

    [Fact]
    public async Task A_time_that_is_none_is_refused_by_its_name()
    {
        await using var world = await SearchWorld.StartAsync(postgres);

        var (status, body) = await world.PostAsync("""{"query":"a","asOf":"yesterday"}""");

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.NotNull(body["errors"]!["asOf"]);
    }

    private static IEnumerable<Guid> Ids(SearchResponse answer) => answer.Hits.Select(h => h.Id);

    private static async Task<DateTimeOffset> NowAsync(SearchWorld world) => new(await world.Database.ScalarAsync<DateTime>("SELECT clock_timestamp()"));
}

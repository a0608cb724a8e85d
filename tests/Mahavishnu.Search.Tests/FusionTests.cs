using System.Net;
using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>What the arms' scores become: fusion by space, age, a hit that stands alone.</summary>
public sealed class FusionTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("text")]
    [InlineData("vector")]
    [InlineData("hybrid")]
    public async Task A_hit_that_stands_alone_has_a_score(string mode)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync("apple pie");

        var hit = Assert.Single((await world.SearchAsync(new SearchRequest { Query = "apple", Mode = mode })).Hits);

        Assert.True(hit.Score > 0.01, $"{hit.Score}");
    }

    [Theory]
    [InlineData("builtin-hash-v1=rrf", "rrf", null)]
    [InlineData("builtin-hash-v1=0.75", "weighted", 0.75)]
    [InlineData("another-model=rrf", "weighted", 0.3)]
    public async Task A_space_is_fused_as_its_model_is_set(string setting, string fusion, double? weight)
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: ("Search:Spaces:0", setting));
        await world.RememberAsync("apple pie");

        var answer = await world.SearchAsync(new SearchRequest { Query = "apple", Explain = true });

        Assert.Equal(fusion, answer.Understood!.Fusion);
        Assert.Equal(weight, answer.Understood.VectorWeight);
        Assert.Equal(fusion == "rrf" ? 2.0 / 61 : 1, answer.Hits[0].Score, 6);
    }

    [Theory]
    [InlineData("builtin-hash-v1")]
    [InlineData("=rrf")]
    [InlineData("builtin-hash-v1=1.5")]
    [InlineData("builtin-hash-v1=best")]
    public async Task A_setting_for_a_space_that_means_nothing_stops_the_start(string setting)
    {
        var refused = await Assert.ThrowsAnyAsync<Exception>(async () => await SearchWorld.StartAsync(postgres, settings: ("Search:Spaces:0", setting)));

        Assert.Contains($"Search:Spaces has '{setting}'", refused.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text")]
    [InlineData("vector")]
    [InlineData("hybrid")]
    public async Task Age_counts_where_a_half_life_is_given(string mode)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var now = DateTimeOffset.UtcNow;
        var old = SearchWorld.Draft("apple pie") with { OccurredAt = now.AddDays(-60), SessionId = "a" };
        var recent = SearchWorld.Draft("apple juice of today, with much else besides") with { OccurredAt = now.AddDays(1), SessionId = "b" };
        await world.RememberAsync([old, recent, SearchWorld.Draft("bread")]);
        var request = new SearchRequest { Query = "apple pie", Mode = mode, Explain = true };

        var without = (await world.SearchAsync(request)).Hits;
        var with = (await world.SearchAsync(request with { HalfLife = "10d" })).Hits.ToDictionary(h => h.Id);
        var atOnce = (await world.SearchAsync(request with { HalfLife = "1m" })).Hits;
        var slowly = (await world.SearchAsync(request with { HalfLife = "100y" })).Hits;

        Assert.Equal(old.Id, without[0].Id);
        Assert.All(without, h => Assert.Null(h.Explain!.Recency));
        Assert.True(with[recent.Id].Score > with[old.Id].Score);
        Assert.Equal(1, with[recent.Id].Explain!.Recency);
        Assert.Equal(Math.Pow(0.5, 6), with[old.Id].Explain!.Recency!.Value, 4);
        Assert.All(with.Values.Where(h => h.Score > 0), h => Assert.Equal(h.Score, (h.Explain!.Fused + h.Explain.Neighbour) * h.Explain.Recency!.Value, 9));
        Assert.Equal(old.Id, slowly[0].Id);
        Assert.Equal(recent.Id, atOnce[0].Id);
    }

    [Theory]
    [InlineData("30")]
    [InlineData("d")]
    [InlineData("-3d")]
    [InlineData("0d")]
    [InlineData("1e3d")]
    [InlineData("P30D")]
    [InlineData("101y")]
    [InlineData("NaNd")]
    [InlineData("")]
    public async Task A_half_life_that_cannot_be_meant_is_refused(string given)
    {
        await using var world = await SearchWorld.StartAsync(postgres);

        var (status, body) = await world.PostAsync($$"""{"query":"apple","halfLife":"{{given}}"}""");

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("The value must be a number and one of m, h, d, w, y (minutes to years), such as 30d; from 1m to 100y.", (string?)body["errors"]!["halfLife"]![0]);
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Search.Tests;

/// <summary>More searches than the database is given at once.</summary>
public sealed class CrowdTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly SearchRequest Apple = new() { Query = "apple" };

    private Task<SearchWorld> StartAsync(params (string Key, string? Value)[] settings) =>
        SearchWorld.StartAsync(postgres, settings: [("Search:Concurrency", "1"), .. settings]);

    [Fact]
    public async Task Who_waits_is_answered_in_turn_and_is_told_when_less_was_looked_at()
    {
        await using var world = await StartAsync(("Search:ScannedMatches", "50"), ("Search:RankedMatches", "50"));
        await world.RememberAsync([.. Enumerable.Range(0, 80).Select(n => SearchWorld.Draft($"apple {n}"))]);
        var gate = world.Host.Get<SearchGate>();
        List<Task<SearchResponse>> asked = [];
        using (await gate.EnterAsync(Ct))
        {
            for (var n = 1; n <= 3; n++)
            {
                asked.Add(world.SearchAsync(Apple));
                await WaitUntilWaitingAsync(gate, n);
            }
        }

        var answers = await Task.WhenAll(asked);

        // Behind the first two somebody waits, behind the last nobody.
        Assert.Equal([[ErrorCodes.Degraded.Busy], [ErrorCodes.Degraded.Busy], []], answers.Select(a => a.Degraded));
        Assert.All(answers, a => Assert.Equal(10, a.Hits.Count));
        Assert.Equal(0, gate.Waiting);
    }

    [Theory]
    [InlineData(10, false, 40, 60)]
    [InlineData(25, false, 50, 60)]
    [InlineData(100, false, 60, 60)]
    [InlineData(10, true, 60, 60)]
    public void In_a_crowd_a_list_has_fewer_candidates_and_groups_have_as_many(int limit, bool grouped, int candidates, int inView)
    {
        var eased = new SearchTuning(60, 400, 8_000, 100, FusionKind.Weighted, 60, 0.3, 0.4, 0.1) { CrowdedEffort = 0.05 }.Eased(new Question { Limit = limit, GroupBy = grouped ? Grouping.File : Grouping.None });

        Assert.Equal((candidates, inView, 400, candidates), (eased.Candidates, eased.EfSearch, eased.ScannedMatches, eased.RankedMatches));
    }

    [Fact]
    public async Task With_full_effort_for_a_crowd_nothing_is_left_out()
    {
        await using var world = await StartAsync(("Search:CrowdedEffort", "1"));
        await world.RememberAsync("apple");
        var gate = world.Host.Get<SearchGate>();
        List<Task<SearchResponse>> asked = [];
        using (await gate.EnterAsync(Ct))
        {
            asked.Add(world.SearchAsync(Apple));
            asked.Add(world.SearchAsync(Apple));
            await WaitUntilWaitingAsync(gate, 2);
        }

        Assert.All(await Task.WhenAll(asked), a => Assert.Empty(a.Degraded));
    }

    [Theory]
    [InlineData(SearchModes.Vector)]
    [InlineData(SearchModes.Text)]
    public async Task A_search_by_one_arm_alone_is_as_good_in_a_crowd(string mode)
    {
        await using var world = await StartAsync();
        await world.RememberAsync("apple");
        var gate = world.Host.Get<SearchGate>();
        List<Task<SearchResponse>> asked = [];
        using (await gate.EnterAsync(Ct))
        {
            asked.Add(world.SearchAsync(Apple with { Mode = mode }));
            asked.Add(world.SearchAsync(Apple with { Mode = mode }));
            await WaitUntilWaitingAsync(gate, 2);
        }

        Assert.All(await Task.WhenAll(asked), a => Assert.Empty(a.Degraded));
    }

    [Fact]
    public async Task Who_waits_too_long_is_refused_with_503_and_when_to_come_back()
    {
        await using var world = await StartAsync(("Search:WaitSeconds", "1"));
        await world.RememberAsync("apple");
        HttpStatusCode status;
        JsonNode problem;
        TimeSpan? after;
        using (await world.Host.Get<SearchGate>().EnterAsync(Ct))
        {
            using var response = await world.Host.Http.PostAsJsonAsync($"{Resources.Api}/{Resources.SearchRoute}", Apple, WireJson.Strict, Ct);
            (status, after) = (response.StatusCode, response.Headers.RetryAfter?.Delta);
            problem = (await response.Content.ReadFromJsonAsync<JsonNode>(Ct))!;
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal(ErrorCodes.Busy, (string?)problem["code"]);
        Assert.Contains("waited 1 seconds", (string?)problem["detail"], StringComparison.Ordinal);
        Assert.True(after >= TimeSpan.FromSeconds(1));
        Assert.Single((await world.SearchAsync(Apple)).Hits);
    }

    [Fact]
    public async Task Who_leaves_while_waiting_takes_nobodys_place()
    {
        await using var world = await StartAsync();
        await world.RememberAsync("apple");
        var gate = world.Host.Get<SearchGate>();
        using (await gate.EnterAsync(Ct))
        {
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            var asked = world.Host.Search.SearchAsync(Apple, leaving.Token);
            await WaitUntilWaitingAsync(gate, 1);
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
            await WaitUntilWaitingAsync(gate, 0);
        }

        Assert.Single((await world.SearchAsync(Apple)).Hits);
    }

    [Theory]
    [InlineData("Search:Concurrency", "0")]
    [InlineData("Search:WaitSeconds", "0")]
    [InlineData("Search:CrowdedEffort", "1.5")]
    public async Task A_setting_that_makes_no_sense_is_named(string key, string value)
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => SearchWorld.StartAsync(postgres, settings: (key, value)));

        Assert.Contains(key.Split(':')[1], failure.ToString(), StringComparison.Ordinal);
    }

    private static Task WaitUntilWaitingAsync(SearchGate gate, int count) => Eventually.Async(() => Task.FromResult(gate.Waiting), waiting => waiting == count, $"{count} waiting");
}

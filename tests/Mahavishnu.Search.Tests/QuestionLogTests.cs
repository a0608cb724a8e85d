using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search.Tests;

/// <summary>What is asked is counted beside the searches, with how well it was answered.</summary>
public sealed class QuestionLogTests(PostgresFixture postgres)
{
    private const string Rows = "SELECT project_id, question, asked, unanswered, hits FROM asked_questions ORDER BY project_id, question";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_question_counts_once_more_however_it_is_spelt_and_whoever_answers()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync(SearchWorld.Draft("apple pie") with { ProjectId = "shop" });

        await world.SearchAsync(new SearchRequest { Query = "Where is the cellar?", ProjectId = "attic" });
        await world.Host.Search.UnifiedAsync(new SearchRequest { Query = "where is  the CELLAR", ProjectId = "attic" }, Ct);
        await world.Host.Search.AcrossProjectsAsync(new ProjectSearchRequest { Query = "where is the cellar!", ProjectId = "attic" }, Ct);
        await world.SearchAsync(new SearchRequest { Query = "apple" });

        var rows = await RowsAsync(world, 2);
        Assert.Equal(["", "apple", 1L, 0L, 1], rows[0]);
        Assert.Equal(["attic", 3L, 3L, 0], [rows[1][0], rows[1][2], rows[1][3], rows[1][4]]);
        Assert.True(await world.Database.ScalarAsync<bool>("SELECT best_similarity BETWEEN 0.1 AND 1 AND model IS NOT NULL FROM asked_questions WHERE question = 'apple'"));
    }

    [Fact]
    public async Task What_was_looked_for_in_a_narrow_place_does_not_count()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        foreach (var narrow in (SearchRequest[])[new() { Tags = ["a"] }, new() { Types = ["rag"] }, new() { SessionId = "s" }, new() { Threshold = 0.9 }, new() { After = DateTimeOffset.UnixEpoch }, new() { RepoId = "r" }])
        {
            await world.SearchAsync(narrow with { Query = "narrow" });
        }

        await world.SearchAsync(new string('x', 501));
        await world.SearchAsync("wide");

        Assert.Equal("wide", Assert.Single(await RowsAsync(world, 1))[1]);
    }

    [Fact]
    public async Task Old_questions_and_those_beyond_the_bound_are_forgotten()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        var store = new AskedQuestionStore(database.DataSource, new TenantScope());
        var now = TimeProvider.System.GetUtcNow();
        AskedQuestion Asked(string question, int daysAgo) => new(question, null, 0, null, null, now.AddDays(-daysAgo));

        await store.AddAsync([Asked("old", 50), Asked("older", 51), Asked("new", 1), Asked("newer", 0)], 3, TimeSpan.FromDays(90), Ct);
        var bounded = await database.RowsAsync(Rows);
        await store.AddAsync([], 3, TimeSpan.FromDays(10), Ct);
        var young = await database.RowsAsync(Rows);
        await store.AddAsync([], 0, TimeSpan.FromDays(10), Ct);

        Assert.Equal(["new", "newer", "old"], bounded.Select(r => (string)r[1]!));
        Assert.Equal(["new", "newer"], young.Select(r => (string)r[1]!));
        Assert.Empty(await database.RowsAsync(Rows));
    }

    [Fact]
    public async Task A_gap_is_what_was_asked_again_and_found_nothing_or_the_least_similar()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        var store = new AskedQuestionStore(database.DataSource, new TenantScope());
        var now = TimeProvider.System.GetUtcNow();
        AskedQuestion Asked(string question, double? similarity, string project = "p", int hits = 5) => new(question, project, hits, similarity, similarity is null ? null : "m", now);

        // Eight compared: the worst quarter are two.
        AskedQuestion[] once = [.. Enumerable.Range(1, 5).Select(n => Asked($"good {n}", 0.8 + n / 100.0)), Asked("poor", 0.1), Asked("once", 0.05), Asked("elsewhere", 0.7, "q")];
        await store.AddAsync([.. once, Asked("vain", null, hits: 0), Asked("Vain?", null, hits: 0), Asked("words", null), Asked("words", null)], 100, TimeSpan.FromDays(90), Ct);
        await store.AddAsync([.. once.Where(q => q.Question != "once"), Asked("vain", null, hits: 0)], 100, TimeSpan.FromDays(90), Ct);

        var gaps = await store.GapsAsync("p", now.AddDays(-1), least: 2, share: 0.25, limit: 10, Ct);
        var all = await store.GapsAsync("p", now.AddDays(-1), least: 1, share: 0.25, limit: 10, Ct);

        Assert.Equal([("vain", 3L, 3L, null), ("poor", 2L, 0L, 0.1)], gaps.Select(g => (g.Question, g.Asked, g.Unanswered, g.BestSimilarity)));
        Assert.Equal(["vain", "poor", "once"], all.Select(g => g.Question));
        Assert.Empty(await store.GapsAsync("q", now.AddDays(-1), 1, 0.25, 10, Ct));
        Assert.Empty(await store.GapsAsync("p", now.AddDays(1), 1, 0.25, 10, Ct));
    }

    [Fact]
    public async Task Switched_off_it_keeps_nothing_and_forgets_what_there_was()
    {
        await using var world = await SearchWorld.StartAsync(
            postgres,
            prepare: async database => await new AskedQuestionStore(database.DataSource, new TenantScope())
                .AddAsync([new AskedQuestion("before", null, 0, null, null, TimeProvider.System.GetUtcNow())], 10, TimeSpan.FromDays(1), Ct),
            settings: ("Search:AskedQuestions", "0"));

        await world.SearchAsync("now");

        await RowsAsync(world, 0);
    }

    private static Task<IReadOnlyList<object?[]>> RowsAsync(SearchWorld world, int count) =>
        Eventually.Async(() => world.Database.RowsAsync(Rows), rows => rows.Count == count && rows.Sum(r => (long)r[2]!) >= (count == 2 ? 4 : count), $"{count} questions");
}

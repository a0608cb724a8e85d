using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest.Tests;

/// <summary>What a project has been doing, what recurs in it, and what it asks in vain.</summary>
public sealed class OverviewTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_overview_counts_the_projects_own_weeks_agents_tags_failures_shares_and_gaps()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var host = await IngestHost.StartAsync(database);
        var now = TimeProvider.System.GetUtcNow();
        var insight = await AddAsync("One.", now, MemoryTypes.Insight, agent: "ana", session: "s", tags: ["red", "blue"]);
        await AddAsync("Two.", now, agent: "ana", session: "s", tags: ["red"]);
        await AddAsync("Three.", now.AddDays(-7), agent: "bo", session: "t");
        await AddAsync("Long ago.", now.AddDays(-800), agent: "cy", tags: ["old"]);
        await AddAsync("Elsewhere.", now, project: "other", agent: "di", tags: ["foreign"]);
        await host.Memories.DeleteAsync(await AddAsync("Gone.", now, agent: "ed", tags: ["gone"]), Ct);
        var run = new NewWorkflow { WorkflowId = "nightly", Adapter = "prefect", Goal = "Import", ProjectId = "shop", Status = "completed" };
        await host.Workflows.AddAsync(run, Ct);
        await host.Workflows.AddAsync(run with { Status = "failed", Error = "disk full" }, Ct);
        await host.Workflows.AddAsync(run with { WorkflowId = "fine" }, Ct);
        await new InsightSharesClient(host.Http).ShareAsync(insight, new ShareInsightRequest { Projects = ["docs", "lib"] }, Ct);
        var asked = new AskedQuestion("Where is the key?", "shop", 0, null, null, now);
        await host.Get<AskedQuestionStore>().AddAsync([asked, asked, asked with { ProjectId = "other" }], 10, TimeSpan.FromDays(1), Ct);

        await database.ExecuteAsync("INSERT INTO insight_usage (memory_id, found, read, used_at) VALUES ($1, 4, 1, now())", insight);

        var projects = new ProjectsClient(host.Http);
        var overview = await projects.OverviewAsync("shop", weeks: 3, Ct);

        Assert.Equal(("shop", 7L, DayOfWeek.Monday), (overview.Project.Id, overview.Project.Memories, overview.Since.DayOfWeek));
        Assert.InRange((now - overview.Since).TotalDays, 14, 21);
        Assert.Equal(2, overview.Activity.Weeks.Count);
        Assert.Equal(new Dictionary<string, long> { ["agent"] = 1 }, overview.Activity.Weeks[0].Types);
        Assert.Equal(new Dictionary<string, long> { ["agent"] = 1, ["insight"] = 1, ["workflow"] = 3 }, overview.Activity.Weeks[1].Types);
        Assert.Equal([("ana", 2L), ("bo", 1L)], overview.Activity.Agents.Select(a => (a.AgentId, a.Memories)));
        Assert.Equal(2, overview.Activity.Sessions);
        Assert.InRange(overview.Activity.LastChangeAt!.Value, now.AddMinutes(-1), now.AddMinutes(10));
        Assert.Equal([("red", 2L), ("blue", 1L)], overview.Patterns.Tags.Select(t => (t.Tag, t.Memories)));
        Assert.Equal([("nightly", 1L, 2L, "disk full")], overview.Patterns.FailedWorkflows.Select(w => (w.WorkflowId, w.Failed, w.Runs, w.LastError)));
        Assert.Equal([(insight, "One.", 4L, 1L)], overview.Patterns.UsedInsights.Select(i => (i.Id, i.Title, i.Found, i.Read)));
        Assert.Equal([(insight, "One.", 2L)], overview.Patterns.SharedInsights.Select(i => (i.Id, i.Title, i.Shares)));
        Assert.Equal([("Where is the key?", 2L, 2L)], overview.Gaps.Select(g => (g.Question, g.Asked, g.Unanswered)));

        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => projects.OverviewAsync("nowhere", ct: Ct))).Status);
        Assert.Equal(["weeks"], (await Assert.ThrowsAsync<ApiException>(() => projects.OverviewAsync("shop", weeks: 105, Ct))).Errors.Keys);

        async Task<Guid> AddAsync(string content, DateTimeOffset at, string type = MemoryTypes.Agent, string project = "shop", string? agent = null, string? session = null, params string[] tags) =>
            (await host.Memories.AddAsync(
                new NewMemory { Content = content, Type = type, ProjectId = project, AgentId = agent, SessionId = session, Tags = tags, OccurredAt = at }, Ct)).Id;
    }

    [Fact]
    public async Task A_project_that_is_only_named_has_an_overview_with_nothing_in_it()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var host = await IngestHost.StartAsync(database);
        var projects = new ProjectsClient(host.Http);
        await projects.PutGroupAsync("g", new PutProjectGroup { Members = ["named"] }, Ct);

        var overview = await projects.OverviewAsync("named", ct: Ct);

        Assert.Equal((false, 0L, null), (overview.Project.Registered, overview.Activity.Sessions, overview.Activity.LastChangeAt));
        Assert.Empty(overview.Activity.Weeks);
        Assert.Empty(overview.Patterns.Tags);
        Assert.Empty(overview.Gaps);
    }

    [Theory]
    [InlineData("2026-02-02T00:00:00Z", 1, "2026-02-02")]
    [InlineData("2026-02-08T23:59:59Z", 1, "2026-02-02")]
    [InlineData("2026-02-09T00:00:00Z", 2, "2026-02-02")]
    public void A_week_begins_on_Monday(string now, int weeks, string since) =>
        Assert.Equal(since, OverviewProject.Since(DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture), weeks).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture));
}

using System.Net;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search.Tests;

/// <summary>How was it done before, did it work, what failed: similar goals, counted over all their executions.</summary>
public sealed class RecallTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Start = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Executions_of_a_workflow_are_one_group_with_its_rate_its_median_and_its_last_failures()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var runs = new List<Run>();
        foreach (var i in Enumerable.Range(0, 6))
        {
            runs.Add(new Run("nightly-import", "Import the night's files", "completed", Start.AddDays(i)) { Seconds = 10 + (i * i) });
        }

        foreach (var i in Enumerable.Range(6, 4))
        {
            runs.Add(new Run("nightly-import", "Import the night's files", "failed", Start.AddDays(i)) { Error = $"disk full {i} {new string('x', 2_000)}", Seconds = 1 });
        }

        runs.Add(new Run("nightly-import", "Import the night's files", "cancelled", Start.AddDays(10)));
        runs.Add(new Run("nightly-import", "Import the night's files", "running", Start.AddDays(11)));
        runs.Add(new Run("nightly-import", "Import the night's files", "pending", Start.AddDays(12)));
        runs.Add(new Run("bake", "Bake bread for the morning", "cancelled", Start));
        await RecordAsync(world, runs);

        var answer = await world.Host.Workflows.RecallAsync(new RecallRequest { Goal = "import files of the night" }, Ct);

        Assert.Empty(answer.Degraded);
        Assert.NotNull(answer.Model);
        var group = answer.Groups[0];
        Assert.Equal(("nightly-import", "Import the night's files"), (group.WorkflowId, group.Goal));
        Assert.Equal((13, 6, 4, 1, 2), (group.Runs, group.Completed, group.Failed, group.Cancelled, group.Running));
        Assert.Equal((0.6, 16.5), (group.SuccessRate, group.MedianSeconds));
        Assert.Equal(Start.AddDays(12), group.LastRunAt);
        Assert.InRange(group.Similarity!.Value, 0.2, 1);
        Assert.Equal([runs[9].Id, runs[8].Id, runs[7].Id], group.LastFailures.Select(f => f.Id));
        Assert.Equal((runs[9].Error![..WorkflowLimits.RecalledError], Start.AddDays(9).AddSeconds(1)), (group.LastFailures[0].Error, group.LastFailures[0].FinishedAt));
        Assert.Equal(new RecalledSuccess(runs[5].Id, Start.AddDays(5).AddSeconds(35), 35), group.LastSuccess);

        var other = answer.Groups[1];
        Assert.Equal(("bake", 1, null, null, null), (other.WorkflowId, other.Cancelled, other.SuccessRate, other.MedianSeconds, other.LastSuccess));
        Assert.Empty(other.LastFailures);
    }

    [Fact]
    public async Task The_same_goal_in_other_spelling_is_the_same_group_also_by_way_of_a_third()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await RecordAsync(world, [
            new Run("wf_1", "Deploy the shop", "completed", Start),
            new Run("wf_2", "deploy   the shop!", "failed", Start),
            new Run("wf_2", "Roll the shop out", "completed", Start),
            new Run("wf_3", "roll the shop out.", "completed", Start),
            new Run("wf_4", "Deploy the billing service", "completed", Start)]);

        var groups = (await world.Host.Workflows.RecallAsync(new RecallRequest { Goal = "deploy the shop" }, Ct)).Groups;

        Assert.Equal([(4, 3, 1), (1, 1, 0)], groups.Select(g => (g.Runs, g.Completed, g.Failed)));
        Assert.Equal("wf_4", groups[1].WorkflowId);
    }

    [Fact]
    public async Task All_executions_of_a_group_count_however_many_there_are_and_leave_room_for_others()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await RecordAsync(world, [
            .. Enumerable.Range(0, 250).Select(i => new Run("often", $"Copy the backup to the vault, number {i}", i % 5 == 0 ? "failed" : "completed", Start.AddHours(i))),
            new Run("seldom", "Copy the keys", "completed", Start)]);

        var groups = (await world.Host.Workflows.RecallAsync(new RecallRequest { Goal = "copy the backup to the vault", Limit = 2 }, Ct)).Groups;

        Assert.Equal([("often", 250, 200, 50, 0.8), ("seldom", 1, 1, 0, 1.0)], groups.Select(g => (g.WorkflowId, g.Runs, g.Completed, g.Failed, g.SuccessRate!.Value)));
        Assert.Equal("often", Assert.Single((await world.Host.Workflows.RecallAsync(new RecallRequest { Goal = "copy the backup to the vault", Limit = 1 }, Ct)).Groups).WorkflowId);
    }

    [Fact]
    public async Task A_recall_keeps_to_its_project_repository_adapter_and_time_in_what_it_finds_and_in_what_it_counts()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await RecordAsync(world, [
            new Run("w", "Sweep the code", "completed", Start) { Project = "p", Repos = ["a", "b"], Adapter = "agno" },
            new Run("w", "Sweep the code", "failed", Start.AddDays(1)) { Project = "p", Repos = ["b"], Adapter = "prefect" },
            new Run("w", "Sweep the code", "failed", Start.AddDays(2)) { Project = "q", Repos = ["c"], Adapter = "agno" }]);
        async Task<IEnumerable<(int, int)>> RecallAsync(RecallRequest request) =>
            (await world.Host.Workflows.RecallAsync(request with { Goal = "sweep code" }, Ct)).Groups.Select(g => (g.Completed, g.Failed));

        Assert.Equal([(1, 2)], await RecallAsync(new RecallRequest()));
        Assert.Equal([(1, 1)], await RecallAsync(new RecallRequest { ProjectId = "p" }));
        Assert.Equal([(1, 0)], await RecallAsync(new RecallRequest { RepoId = "a" }));
        Assert.Equal([(1, 1)], await RecallAsync(new RecallRequest { RepoId = "b" }));
        Assert.Equal([(1, 1)], await RecallAsync(new RecallRequest { Adapter = "agno" }));
        Assert.Equal([(0, 2)], await RecallAsync(new RecallRequest { Since = Start.AddDays(1) }));
        Assert.Empty(await RecallAsync(new RecallRequest { ProjectId = "nothing" }));
    }

    [Fact]
    public async Task Deleted_executions_and_workflow_memories_without_one_do_not_count()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        Run[] runs = [new("w", "Sweep the code", "completed", Start), new("w", "Sweep the code", "failed", Start)];
        await RecordAsync(world, runs);
        await world.RememberAsync(SearchWorld.Draft("Sweep the code, by hand") with { Type = MemoryTypes.Workflow });
        await world.Host.Get<MemoryWriteStore>().DeleteAsync(runs[1].Id, null, Ct);

        var group = Assert.Single((await world.Host.Workflows.RecallAsync(new RecallRequest { Goal = "sweep the code" }, Ct)).Groups);

        Assert.Equal((1, 1, 0), (group.Runs, group.Completed, group.Failed));
    }

    [Fact]
    public async Task Where_nothing_has_run_there_is_nothing_to_recall()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync("Sweep the code");

        Assert.Empty((await world.Host.Workflows.RecallAsync(new RecallRequest { Goal = "sweep the code" }, Ct)).Groups);
    }

    [Theory]
    [InlineData("""{}""", "goal")]
    [InlineData("""{"goal":" "}""", "goal")]
    [InlineData("""{"goal":"g","adapter":""}""", "adapter")]
    [InlineData("""{"goal":"g","projectId":""}""", "projectId")]
    [InlineData("""{"goal":"g","repoId":" "}""", "repoId")]
    [InlineData("""{"goal":"g","since":"noon"}""", "since")]
    [InlineData("""{"goal":"g","limit":0}""", "limit")]
    [InlineData("""{"goal":"g","limit":51}""", "limit")]
    [InlineData("""{"goal":"g","query":"q"}""", "query")]
    public async Task A_recall_that_is_not_right_names_its_field(string body, string field)
    {
        await using var world = await SearchWorld.StartAsync(postgres);

        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await world.Host.Http.PostAsync($"{Resources.Api}/{Resources.WorkflowRecall}", content, Ct);
        var problem = JsonNode.Parse(await response.Content.ReadAsStringAsync(Ct))!;

        Assert.Equal((HttpStatusCode.BadRequest, field), (response.StatusCode, Assert.Single(problem["errors"]!.AsObject()).Key));
    }

    /// <summary>An execution, and its memory as ingest words it.</summary>
    private sealed record Run(string Workflow, string Goal, string Status, DateTimeOffset At)
    {
        public Guid Id { get; } = Guid.CreateVersion7(At);
        public string? Error { get; init; }
        public double Seconds { get; init; } = 5;
        public string? Project { get; init; }
        public string[] Repos { get; init; } = [];
        public string Adapter { get; init; } = "prefect";
    }

    private static async Task RecordAsync(SearchWorld world, IReadOnlyList<Run> runs)
    {
        foreach (var run in runs)
        {
            var over = WorkflowStatuses.IsFinal(run.Status);
            await world.Database.ExecuteAsync(
                """
                INSERT INTO workflow_executions (id, workflow_id, adapter, repos, status, goal, error_message, started_at, finished_at, duration_seconds, memory_id)
                VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8, CASE WHEN $10 THEN $8::timestamptz + $9 * interval '1 s' END, CASE WHEN $10 THEN $9 END, $1)
                """,
                run.Id, run.Workflow, run.Adapter, run.Repos, run.Status, run.Goal, run.Error ?? "", run.At, run.Seconds, over);
        }

        await world.RememberAsync([.. runs.Select(run => SearchWorld.Draft($"{run.Goal}\n\n{run.Workflow} ({run.Adapter}) {run.Status}.") with
        {
            Id = run.Id, Type = MemoryTypes.Workflow, Source = run.Adapter, Title = $"{run.Workflow}: {run.Goal}", WorkflowId = run.Workflow, ProjectId = run.Project, OccurredAt = run.At,
            Metadata = new JsonObject { ["repos"] = new JsonArray([.. run.Repos.Select(r => (JsonNode)r)]) }.ToJsonString(),
        })]);
    }
}

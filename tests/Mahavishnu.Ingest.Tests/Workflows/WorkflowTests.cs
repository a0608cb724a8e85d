using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Executions start, end and are recorded, each with one memory that says what became of it.</summary>
public sealed class WorkflowTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private TestDatabase _database = null!;
    private TestHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _host = await IngestHost.StartAsync(_database);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _database.DisposeAsync();
    }

    private static NewWorkflow Nightly => new() { WorkflowId = "nightly-import", Adapter = "prefect", Goal = "Import the night's files", StartedAt = Noon };

    [Fact]
    public async Task An_execution_that_starts_and_completes_is_one_memory_with_a_history()
    {
        var started = await _host.Workflows.AddAsync(
            Nightly with
            {
                Repos = ["shop", "shop", "billing"],
                Input = Json("""{"files":3}"""),
                ProjectId = "p",
                SessionId = "s",
                AgentId = "a",
                Tags = ["night"],
                Metadata = Json("""{"host":"n1"}"""),
            },
            Ct);
        Assert.Equal((WorkflowStatuses.Running, Noon, null, null), (started.Status, started.StartedAt, started.FinishedAt, started.DurationSeconds));
        Assert.Equal(("p", "s", "a", EmbeddingStates.Pending), (started.ProjectId, started.SessionId, started.AgentId, started.Embedding));
        Assert.Equal(["shop", "billing"], started.Repos);
        Assert.Equal("""{"files":3}""", started.Input!.Value.GetRawText());

        var done = await _host.Workflows.FinishAsync(started.Id, new FinishWorkflowRequest { Result = Json("""{"rows":12}"""), FinishedAt = Noon.AddSeconds(90) }, Ct);
        Assert.Equal((WorkflowStatuses.Completed, Noon.AddSeconds(90), 90), (done.Status, done.FinishedAt, done.DurationSeconds));
        Assert.Equal("""{"rows":12}""", done.Result!.Value.GetRawText());
        Assert.Equal(JsonSerializer.Serialize(done), JsonSerializer.Serialize(await _host.Workflows.GetAsync(done.Id, Ct) with { Embedding = done.Embedding }));

        Assert.Equal(done.Id, done.MemoryId);
        var memory = await _host.Memories.GetAsync(done.MemoryId, Ct);
        Assert.Equal((MemoryTypes.Workflow, "prefect", "nightly-import", 2), (memory.Type, memory.Source, memory.WorkflowId, memory.Version));
        Assert.Equal("nightly-import: Import the night's files", memory.Title);
        Assert.Equal("Import the night's files\n\nnightly-import (prefect) on shop, billing completed in 90 s.", memory.Content);
        Assert.Equal((Noon, null), (memory.OccurredAt, memory.RepoId));
        Assert.Equal("""{"host":"n1","repos":["shop","billing"],"status":"completed","adapter":"prefect"}""", memory.Metadata.GetRawText());
        var before = Assert.Single((await _host.Memories.HistoryAsync(memory.Id, Ct)).Items);
        Assert.Equal("Import the night's files\n\nnightly-import (prefect) on shop, billing is running.", before.Memory.Content);
        Assert.Equal(1, await _database.ScalarAsync<long>("SELECT count(*) FROM memories"));
    }

    [Fact]
    public async Task What_fails_says_why_and_what_is_cancelled_says_it_if_it_knows()
    {
        var failed = await _host.Workflows.FailAsync(
            (await _host.Workflows.AddAsync(Nightly with { Repos = ["shop"] }, Ct)).Id,
            new FailWorkflowRequest { Error = "disk full", Result = Json("3"), DurationSeconds = 1.25, FinishedAt = Noon.AddHours(1) }, Ct);
        var cancelled = await _host.Workflows.CancelAsync((await _host.Workflows.AddAsync(Nightly, Ct)).Id, new CancelWorkflowRequest { Reason = "too late", FinishedAt = Noon.AddSeconds(3) }, Ct);
        var stopped = await _host.Workflows.CancelAsync((await _host.Workflows.AddAsync(Nightly, Ct)).Id, ct: Ct);

        Assert.Equal((WorkflowStatuses.Failed, "disk full", "3", 1.25), (failed.Status, failed.Error, failed.Result!.Value.GetRawText(), failed.DurationSeconds));
        Assert.Equal((WorkflowStatuses.Cancelled, "too late"), (cancelled.Status, cancelled.Error));
        Assert.Equal((WorkflowStatuses.Cancelled, null), (stopped.Status, stopped.Error));
        Assert.True(stopped.DurationSeconds > 0);
        Assert.EndsWith("(prefect) on shop failed after 1.3 s: disk full", (await _host.Memories.GetAsync(failed.Id, Ct)).Content, StringComparison.Ordinal);
        Assert.Equal("shop", (await _host.Memories.GetAsync(failed.Id, Ct)).RepoId);
        Assert.EndsWith("(prefect) was cancelled after 3 s: too late", (await _host.Memories.GetAsync(cancelled.Id, Ct)).Content, StringComparison.Ordinal);
        Assert.Equal(3, await _database.ScalarAsync<long>("SELECT count(*) FROM memories"));
    }

    [Fact]
    public async Task A_pending_execution_starts_later()
    {
        var pending = await _host.Workflows.AddAsync(Nightly with { Status = WorkflowStatuses.Pending, StartedAt = null }, Ct);
        Assert.Equal((WorkflowStatuses.Pending, null), (pending.Status, pending.StartedAt));
        Assert.EndsWith("has not started.", (await _host.Memories.GetAsync(pending.Id, Ct)).Content, StringComparison.Ordinal);

        var started = await _host.Workflows.StartAsync(pending.Id, new StartWorkflowRequest { StartedAt = Noon }, Ct);
        Assert.Equal((WorkflowStatuses.Running, Noon), (started.Status, started.StartedAt));
        Assert.Equal(Noon, (await _host.Memories.GetAsync(pending.Id, Ct)).OccurredAt);
        Assert.Equal(Noon, (await _host.Workflows.StartAsync(pending.Id, ct: Ct)).StartedAt);

        await _host.Workflows.FinishAsync(pending.Id, ct: Ct);
        Assert.Equal(HttpStatusCode.Conflict, (await _host.Http.PostAsync($"/workflows/{pending.Id}:start", "")).Status);
        var never = await _host.Workflows.AddAsync(Nightly with { Status = WorkflowStatuses.Pending, StartedAt = null }, Ct);
        Assert.Equal((WorkflowStatuses.Cancelled, null), ((await _host.Workflows.CancelAsync(never.Id, ct: Ct)).Status, (await _host.Workflows.GetAsync(never.Id, Ct)).DurationSeconds));
    }

    [Theory]
    [InlineData("""{"status":"completed","startedAt":"2026-01-31T12:00:00Z","finishedAt":"2026-01-31T12:00:05Z"}""", "12:00:00", "12:00:05", 5.0)]
    [InlineData("""{"status":"completed","startedAt":"2026-01-31T12:00:00Z","durationSeconds":7}""", "12:00:00", "12:00:07", 7.0)]
    [InlineData("""{"status":"completed","finishedAt":"2026-01-31T12:00:05Z","durationSeconds":2}""", "12:00:03", "12:00:05", 2.0)]
    [InlineData("""{"status":"completed","finishedAt":"2026-01-31T12:00:05Z"}""", null, "12:00:05", null)]
    [InlineData("""{"status":"failed","error":"e","startedAt":"2026-01-31T12:00:00Z","finishedAt":"2026-01-31T12:00:05Z","durationSeconds":3}""", "12:00:00", "12:00:05", 3.0)]
    public async Task One_that_is_over_is_recorded_in_one_call(string given, string? start, string end, double? seconds)
    {
        var body = JsonNode.Parse(given)!.AsObject();
        (body["workflowId"], body["adapter"], body["goal"], body["result"]) = ("w", "agno", "g", new JsonObject { ["n"] = 1 });

        var answer = await _host.Http.PostAsync("/workflows", body);

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.EndsWith($"/api/v1/workflows/{answer.Id}", answer.Headers.Location!.ToString(), StringComparison.Ordinal);
        var execution = await _host.Workflows.GetAsync(Guid.Parse(answer.Id), Ct);
        DateTimeOffset? At(string? time) => time is null ? null : DateTimeOffset.Parse($"2026-01-31T{time}Z", System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal((At(start), At(end), seconds), (execution.StartedAt, execution.FinishedAt, execution.DurationSeconds));
        Assert.Equal("""{"n":1}""", execution.Result!.Value.GetRawText());
        Assert.Equal(At(start) ?? At(end), (await _host.Memories.GetAsync(execution.Id, Ct)).OccurredAt);
    }

    [Fact]
    public async Task What_is_said_twice_is_said_once_and_what_is_said_otherwise_is_a_conflict()
    {
        var id = (await _host.Workflows.AddAsync(Nightly, Ct)).Id;
        var first = await _host.Http.PostAsync($"/workflows/{id}:finish", """{"result":{"a":1,"b":2}}""");
        Assert.Equal(HttpStatusCode.OK, first.Status);
        var version = (await _host.Memories.GetAsync(id, Ct)).Version;

        foreach (var body in (string[])["""{"result":{"b":2,"a":1}}""", "", "{}", $$"""{"finishedAt":"{{first.Body!["finishedAt"]}}","durationSeconds":{{first.Body["durationSeconds"]}} }"""])
        {
            var again = await _host.Http.PostAsync($"/workflows/{id}:finish", body);
            Assert.Equal((HttpStatusCode.OK, first.Body["finishedAt"]!.ToJsonString()), (again.Status, again.Body!["finishedAt"]!.ToJsonString()));
        }

        foreach (var (verb, body, said) in new[]
        {
            ("finish", """{"result":{"a":2}}""", "completed already, with another result"),
            ("finish", """{"finishedAt":"2026-02-01T00:00:00Z"}""", "completed already, with another end"),
            ("finish", """{"durationSeconds":1}""", "completed already, with another duration"),
            ("fail", """{"error":"e"}""", "is completed; it cannot become failed"),
            ("cancel", "", "is completed; it cannot become cancelled"),
            ("start", "", "is completed; it cannot become running"),
        })
        {
            var refused = await _host.Http.PostAsync($"/workflows/{id}:{verb}", body);
            Assert.Equal((HttpStatusCode.Conflict, ErrorCodes.Conflict), (refused.Status, refused.Code));
            Assert.Contains(said, (string?)refused.Body!["detail"], StringComparison.Ordinal);
        }

        Assert.Equal(version, (await _host.Memories.GetAsync(id, Ct)).Version);
    }

    [Fact]
    public async Task A_given_id_answers_201_then_200_and_409_where_it_is_something_else()
    {
        var id = Guid.CreateVersion7().ToString();
        async Task<HttpStatusCode> AddAsync(string more = "", string goal = "g") =>
            (await _host.Http.PostAsync("/workflows", $$"""{"id":"{{id}}","workflowId":"w","adapter":"agno","goal":"{{goal}}"{{more}} }""")).Status;

        Assert.Equal(HttpStatusCode.Created, await AddAsync());
        Assert.Equal(HttpStatusCode.OK, await AddAsync());
        Assert.Equal(HttpStatusCode.Conflict, await AddAsync(goal: "another"));
        // Whoever records an end must not be told that it is stored while it is not.
        Assert.Equal(HttpStatusCode.Conflict, await AddAsync(""","status":"completed" """));
        await _host.Workflows.FinishAsync(Guid.Parse(id), new FinishWorkflowRequest { Result = Json("1") }, Ct);
        Assert.Equal(HttpStatusCode.OK, await AddAsync());
        Assert.Equal(HttpStatusCode.OK, await AddAsync(""","status":"completed","result":1"""));
        Assert.Equal(HttpStatusCode.Conflict, await AddAsync(""","status":"completed","result":2"""));
        Assert.Equal(HttpStatusCode.Conflict, await AddAsync(""","status":"failed","error":"e" """));

        var memory = await _host.Memories.AddAsync(new NewMemory { Content = "no execution" }, Ct);
        id = memory.Id.ToString();
        Assert.Equal(HttpStatusCode.Conflict, await AddAsync());
        Assert.Equal("no execution", (await _host.Memories.GetAsync(memory.Id, Ct)).Content);
        Assert.Equal(1, await _database.ScalarAsync<long>("SELECT count(*) FROM workflow_executions"));
    }

    [Fact]
    public async Task Of_those_who_end_it_at_once_one_does()
    {
        for (var round = 0; round < 5; round++)
        {
            var id = (await _host.Workflows.AddAsync(Nightly, Ct)).Id;
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => i % 2 == 0
                ? _host.Http.PostAsync($"/workflows/{id}:finish", $$"""{"result":{{i}} }""")
                : _host.Http.PostAsync($"/workflows/{id}:fail", $$"""{"error":"{{i}}"}""")));

            Assert.Single(answers, a => a.Status == HttpStatusCode.OK);
            Assert.Equal(7, answers.Count(a => a.Status == HttpStatusCode.Conflict));
            Assert.Equal(2, (await _host.Memories.GetAsync(id, Ct)).Version);
        }
    }

    [Fact]
    public async Task What_somebody_else_said_about_it_stays_and_a_deleted_memory_takes_its_execution_along()
    {
        var id = (await _host.Workflows.AddAsync(Nightly, Ct)).Id;
        await _host.Memories.PatchAsync(id, new { tags = new[] { "kept" }, title = "My run", projectId = "mine" }, 1, Ct);
        var done = await _host.Workflows.FinishAsync(id, ct: Ct);
        Assert.Equal(("kept", "mine", "My run"), (done.Tags.Single(), done.ProjectId, (await _host.Memories.GetAsync(id, Ct)).Title));

        await _host.Memories.DeleteAsync(id, Ct);
        Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.FetchAsync($"/workflows/{id}")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await _host.Http.PostAsync($"/workflows/{id}:finish", "")).Status);
        Assert.Empty((await _host.Workflows.ListAsync([], Ct)).Items);
        await _host.Memories.RestoreAsync(id, Ct);
        Assert.Equal(WorkflowStatuses.Completed, (await _host.Workflows.GetAsync(id, Ct)).Status);
    }

    [Fact]
    public async Task A_list_is_narrowed_and_pages_show_each_once()
    {
        var one = await _host.Workflows.AddAsync(Nightly with { Repos = ["a", "b"], ProjectId = "p" }, Ct);
        var two = await _host.Workflows.AddAsync(Nightly with { Adapter = "agno", Repos = ["b"], StartedAt = Noon.AddDays(1) }, Ct);
        var three = await _host.Workflows.AddAsync(Nightly with { WorkflowId = "other", Status = "failed", Error = "e", StartedAt = Noon.AddDays(2) }, Ct);
        async Task<IEnumerable<Guid>> ListAsync(params (string Name, string Value)[] filter) =>
            (await _host.Workflows.ListAsync(filter.Select(f => KeyValuePair.Create(f.Name, (string?)f.Value)), Ct)).Items.Select(w => w.Id);

        Assert.Equal([three.Id, two.Id, one.Id], await ListAsync());
        Assert.Equal([two.Id, one.Id], await ListAsync(("workflowId", "nightly-import")));
        Assert.Equal([two.Id], await ListAsync(("adapter", "agno")));
        Assert.Equal([three.Id], await ListAsync(("status", "failed")));
        Assert.Equal([one.Id], await ListAsync(("projectId", "p")));
        Assert.Equal([two.Id, one.Id], await ListAsync(("repoId", "b")));
        Assert.Equal([two.Id], await ListAsync(("after", "2026-02-01T00:00:00Z"), ("before", "2026-02-02T00:00:00Z")));

        var seen = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = await _host.Workflows.ListAsync([new("limit", "2"), new("cursor", cursor)], Ct);
            seen.AddRange(page.Items.Select(w => w.Id));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        Assert.Equal([three.Id, two.Id, one.Id], seen);
    }

    [Fact]
    public async Task Long_errors_are_kept_whole_and_told_short()
    {
        var error = string.Concat(Enumerable.Repeat("at Some.Stack.Frame() 😀\n", 20_000)).Trim();
        var failed = await _host.Workflows.AddAsync(Nightly with { Goal = new string('g', 8_000), WorkflowId = new string('w', 500), Status = "failed", Error = error }, Ct);

        Assert.Equal(error, (await _host.Workflows.GetAsync(failed.Id, Ct)).Error);
        var memory = await _host.Memories.GetAsync(failed.Id, Ct);
        Assert.InRange(memory.Content.Length, 9_500, 9_700);
        Assert.EndsWith("…", memory.Content, StringComparison.Ordinal);
        Assert.Equal(500, memory.Title!.Length);
    }

    private static JsonElement Json(string json) => JsonElement.Parse(json);
}

using System.Net;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Insights taken from what assistants say, and those that are written: stored once, counted, and with where they are from.</summary>
public sealed class InsightTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private TestDatabase _database = null!;
    private TestHost _host = null!;

    private InsightsClient Insights => new(_host.Http);

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

    private static string Marked(params IEnumerable<string> bodies) => string.Join("\n\n", bodies.Select(b => $"`★ Insight {new string('─', 37)}`\n{b}\n`{new string('─', 49)}`").Prepend("Done."));

    private static string Number(int i) => $"Rows number {i} should be locked in order, because batches deadlock.";

    [Fact]
    public async Task What_an_assistant_marks_becomes_an_insight_that_names_its_message()
    {
        var added = await _host.Conversations.AddAsync(
            "s", [Talk.User(Marked(Number(1))), Talk.Assistant(Marked(Number(2), "too short")), Talk.Assistant("Nothing to learn.")], "claude", "shop", ct: Ct);

        var insight = Assert.Single(await ExpectAsync(1));

        Assert.Equal((Number(2), InsightTypes.BestPractice, "shop", "claude", "s", "mahavishnu"), (insight.Content, insight.InsightType, insight.ProjectId, insight.AgentId, insight.SessionId, insight.Source));
        Assert.Equal(new InsightOrigin(InsightExtractors.Marker, "s", added.Messages[1].Id!.Value), insight.ExtractedFrom);
        Assert.Equal(((double?)0.7, (double?)0.64), (insight.Confidence, insight.Quality));
        Assert.Equal((await _host.Memories.GetAsync(added.Messages[1].Id!.Value, Ct)).OccurredAt, insight.OccurredAt);
        Assert.Equal(MemoryTypes.Insight, (await _host.Memories.GetAsync(insight.Id, Ct)).Type);
        Assert.Equal(0, await _database.ScalarAsync<long>("SELECT count(*) FROM insight_queue"));
        // The conversation has the turns that were said, and no other.
        Assert.Equal(3, (await _host.Conversations.GetAsync("s", Ct)).Messages);
    }

    [Fact]
    public async Task The_same_insight_is_stored_once_however_it_is_spelt_and_does_not_come_back_once_deleted()
    {
        await _host.SayAsync("s", Talk.Assistant(Marked(Number(1))));
        var first = Assert.Single(await ExpectAsync(1));
        await _host.SayAsync("t", Talk.Assistant(Marked(Number(1).ToUpperInvariant() + "!!")), Talk.Assistant(Marked(Number(2))));
        await ExpectAsync(2);

        Assert.Equal(first.Id, (await Insights.AddAsync(new NewInsight { Content = $"  {Number(1).TrimEnd('.')}" }, Ct)).Id);
        await _host.Memories.DeleteAsync(first.Id, Ct);
        await _host.SayAsync("u", Talk.Assistant(Marked(Number(1))), Talk.Assistant(Marked(Number(3))));
        await ExpectAsync(2);
        Assert.Equal(0, (await SweepAsync(new())).Created);

        // Who writes it by hand wants it.
        var again = await Insights.AddAsync(new NewInsight { Content = Number(1) }, Ct);
        Assert.Equal((null, null), (again.Duplicate, again.ExtractedFrom));
        Assert.NotEqual(first.Id, again.Id);
    }

    [Fact]
    public async Task A_write_brings_no_more_than_is_allowed_and_a_session_neither()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var host = await IngestHost.StartAsync(database, ("Insights:MaxPerCheckpoint", "3"), ("Insights:MaxPerSession", "5"));
        await host.SayAsync("s", Talk.Assistant(Marked(Enumerable.Range(0, 4).Select(Number))), Talk.Assistant(Marked(Number(4))));
        await ExpectAsync(host, 3);
        await host.SayAsync("s", Talk.Assistant(Marked(Enumerable.Range(10, 4).Select(Number))));
        var of = await ExpectAsync(host, 5);
        await host.SayAsync("t", Talk.Assistant(Marked(Number(20))));
        await ExpectAsync(host, 6);

        Assert.Equal([Number(0), Number(1), Number(10), Number(11), Number(2)], of.Select(i => i.Content).Order(StringComparer.Ordinal));
        var sweep = await SweepAsync(host, new());
        Assert.Equal(new ExtractionResult(4, 10, 0, 0, 6, 4, 0, false), sweep);
    }

    [Fact]
    public async Task Switched_off_nothing_is_taken_until_it_is_asked_for()
    {
        await using var database = await postgres.CreateDatabaseAsync();
        await using var host = await IngestHost.StartAsync(database, ("Insights:Extract", "false"), ("Insights:MinConfidence", "0.5"));
        await host.Conversations.AddAsync("s", [Talk.Assistant(Marked(Number(1), "It only rained a little on that day", "short")), Talk.User(Marked(Number(2)))], projectId: "p", ct: Ct);
        await host.Conversations.AddAsync("t", [Talk.Assistant(Marked(Number(1), Number(3)))], projectId: "p", ct: Ct);
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM insight_queue"));
        var imported = SampleDraft(Marked(Number(4), Number(1)));
        await host.Get<MemoryWriteStore>().WriteAsync([imported], WriteMode.Insert, Ct);

        Assert.Equal(new ExtractionResult(2, 5, 1, 1, 1, 0, 2, true), await SweepAsync(host, new() { DryRun = true }));
        Assert.DoesNotContain((await new InsightsClient(host.Http).ListAsync([], Ct)).Items, i => i.Source != "session_buddy");
        Assert.Equal(new ExtractionResult(1, 2, 0, 0, 0, 0, 2, false), await SweepAsync(host, new() { SessionId = "t" }));
        Assert.Equal(new ExtractionResult(2, 5, 1, 1, 3, 0, 0, false), await SweepAsync(host, new() { ProjectId = "p" }));
        Assert.Equal(new ExtractionResult(0, 0, 0, 0, 0, 0, 0, false), await SweepAsync(host, new() { After = DateTimeOffset.UtcNow.AddHours(1) }));
        // An imported text is looked through where that is asked for; its insight is of no project, and another one.
        Assert.Equal(new ExtractionResult(3, 7, 1, 1, 3, 0, 2, false), await SweepAsync(host, new() { IncludeImported = true }));
        Assert.Equal(imported.Id, (await new InsightsClient(host.Http).ListAsync([new("extracted", "true")], Ct)).Items.First(i => i.Content == Number(4)).ExtractedFrom!.MessageId);

        static MemoryDraft SampleDraft(string content) => new()
        {
            Id = Guid.CreateVersion7(),
            Type = MemoryTypes.Insight,
            Source = "session_buddy",
            Content = content,
            OccurredAt = DateTimeOffset.UtcNow,
        };
    }

    [Fact]
    public async Task Fifty_agents_at_once_lose_nothing_and_store_nothing_twice()
    {
        // Two processes, as behind a gateway.
        await using var second = await IngestHost.StartAsync(_database);
        var added = await Task.WhenAll(Enumerable.Range(0, 50).Select(async agent =>
        {
            var host = agent % 2 == 0 ? _host : second;
            var counts = new List<MessageCounts>();
            for (var turn = 0; turn < 6; turn++)
            {
                // One of its own, one that everybody has in this turn, one that everybody always has.
                counts.Add((await host.SayAsync($"s{agent}", Talk.User("Go on."), Talk.Assistant(Marked(Number(1_000 + agent * 10 + turn), Number(100 + turn), Number(7))))).Counts);
            }

            return counts;
        }));

        Assert.All(added.SelectMany(c => c), c => Assert.Equal(new MessageCounts(2, 0, 0), c));
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM insight_queue") == 0, "Every turn was looked through", TimeSpan.FromMinutes(2));
        Assert.Equal(600, await _database.ScalarAsync<long>("SELECT count(*) FROM agent_conversations"));
        var contents = await _database.RowsAsync("SELECT content FROM memories WHERE memory_type = 'insight'");
        Assert.Equal(50 * 6 + 6 + 1, contents.Count);
        Assert.Equal(contents.Count, contents.Select(r => (string)r[0]!).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(contents.Count, await _database.ScalarAsync<long>("SELECT count(*) FROM insight_keys WHERE memory_id IS NOT NULL AND message_id IS NOT NULL"));
    }

    [Fact]
    public async Task What_cannot_be_looked_through_now_waits_and_holds_up_no_write()
    {
        await _database.ExecuteAsync("ALTER TABLE insight_keys ADD COLUMN trouble int GENERATED ALWAYS AS (1 / (CASE WHEN session_id = 'bad' THEN 0 ELSE 1 END)) STORED");

        Assert.Equal(1, (await _host.SayAsync("bad", Talk.Assistant(Marked(Number(1))))).Counts.Created);
        await _host.SayAsync("good", Talk.Assistant(Marked(Number(2))));
        await ExpectAsync(1);
        await Eventually.Async(async () => await _database.ScalarAsync<int>("SELECT max(attempts) FROM insight_queue") > 0, "The trouble is written down");
        Assert.Equal("division by zero", ((string?)await _database.ScalarAsync<string>("SELECT last_error FROM insight_queue"))!.Split(": ")[^1]);

        await _database.ExecuteAsync("ALTER TABLE insight_keys DROP COLUMN trouble");
        await ExpectAsync(2);
    }

    [Fact]
    public async Task An_insight_that_is_written_has_what_it_was_given_and_else_what_the_rules_say()
    {
        var plain = await Insights.AddAsync(new NewInsight { Content = Number(1) }, Ct);
        Assert.Equal((InsightTypes.BestPractice, 0.7, 0.64, "mahavishnu"), (plain.InsightType, plain.Confidence!.Value, plain.Quality!.Value, plain.Source));

        var full = await Insights.AddAsync(
            new NewInsight
            {
                Content = "Short.",
                Title = "T",
                InsightType = InsightTypes.Gotcha,
                Topics = ["locks", "locks", "sql"],
                Tags = ["a"],
                ProjectId = "p",
                AgentId = "g",
                SessionId = "s",
                Source = "notes",
                Confidence = 1,
                Quality = 0.25,
                Metadata = JsonElement.Parse("""{"k":1}"""),
                Supersedes = plain.Id.ToString(),
            },
            Ct);
        Assert.Equal((InsightTypes.Gotcha, 1.0, 0.25, "T", "p", "notes"), (full.InsightType, full.Confidence!.Value, full.Quality!.Value, full.Title, full.ProjectId, full.Source));
        Assert.Equal(["locks", "sql"], full.Topics);
        Assert.Equal(1, full.Metadata.GetProperty("k").GetInt32());
        Assert.Equal(full.Id, (await Insights.GetAsync(plain.Id, Ct)).SupersededBy);

        foreach (var (filter, expected) in new (string, Guid[])[]
        {
            ("", [full.Id]), ("?includeSuperseded=true", [full.Id, plain.Id]), ("?projectId=p", [full.Id]), ("?projectId=q", []), ("?topic=sql", [full.Id]), ("?insightType=gotcha&tag=a", [full.Id]),
            ("?insightType=pattern", []), ("?minQuality=0.25", [full.Id]), ("?minQuality=0.26", []), ("?extracted=true", []), ("?extracted=false&sessionId=s&agentId=g&source=notes", [full.Id]),
            ("?after=2020-01-01&before=2020-01-02", []),
        })
        {
            var answer = await _host.Http.FetchAsync($"/insights{filter}");
            Assert.Equal(expected.Select(i => i.ToString()), answer.Body!["items"]!.AsArray().Select(i => (string)i!["id"]!));
        }

        var paged = await Insights.ListAsync([new("includeSuperseded", "true"), new("limit", "1")], Ct);
        Assert.Equal(plain.Id, Assert.Single((await Insights.ListAsync([new("includeSuperseded", "true"), new("limit", "1"), new("cursor", paged.NextCursor)], Ct)).Items).Id);
    }

    [Theory]
    [InlineData("/insights", """{}""", "content")]
    [InlineData("/insights", """{"content":" "}""", "content")]
    [InlineData("/insights", """{"content":"x","insightType":"wisdom"}""", "insightType")]
    [InlineData("/insights", """{"content":"x","confidence":1.1}""", "confidence")]
    [InlineData("/insights", """{"content":"x","quality":-0.1}""", "quality")]
    [InlineData("/insights", """{"content":"x","topics":["a",""]}""", "topics[1]")]
    [InlineData("/insights", """{"content":"x","metadata":{"quality_score":1}}""", "metadata.quality_score")]
    [InlineData("/insights", """{"content":"x","supersedes":"y"}""", "supersedes")]
    [InlineData("/insights", """{"content":"x","type":"agent"}""", "type")]
    [InlineData("/insights:preview", """{"content":null}""", "content")]
    [InlineData("/insights:extract", """{"sessionId":" "}""", "sessionId")]
    [InlineData("/insights:extract", """{"after":"2026-01-02T00:00:00Z","before":"2026-01-01T00:00:00Z"}""", "before")]
    [InlineData("/insights:extract", """{"includeimport":true}""", "includeimport")]
    public async Task What_is_wrong_is_refused_by_its_name(string path, string body, string field)
    {
        var answer = await _host.Http.PostAsync(path, body);

        Assert.Equal((HttpStatusCode.BadRequest, field), (answer.Status, Assert.Single(answer.Fields)));
    }

    [Fact]
    public async Task A_filter_that_is_none_and_an_insight_that_is_none_are_refused()
    {
        foreach (var (query, field) in new[] { ("insightType=wisdom", "insightType"), ("minQuality=2", "minQuality"), ("limit=0", "limit"), ("after=soon", "after"), ("kind=x", "kind"), ("cursor=x", "cursor") })
        {
            Assert.Equal([field], (await _host.Http.FetchAsync($"/insights?{query}")).Fields);
        }

        var memory = await _host.Memories.AddAsync(new NewMemory { Content = "no insight" }, Ct);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => Insights.GetAsync(memory.Id, Ct))).Status);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => Insights.AddAsync(new NewInsight { Content = "x", Supersedes = Guid.CreateVersion7().ToString() }, Ct))).Status);
        // What was refused took no name away.
        Assert.Null((await Insights.AddAsync(new NewInsight { Content = "x" }, Ct)).Duplicate);
    }

    [Fact]
    public async Task A_preview_says_what_there_is_and_stores_nothing()
    {
        var preview = await Insights.PreviewAsync(Marked(Number(1), "short"), Ct);

        Assert.Equal((2, 1, 0), (preview.Blocks, preview.RefusedByLength, preview.RefusedByScore));
        Assert.Equal((Number(1), InsightTypes.BestPractice, 0.7), (preview.Insights[0].Content, preview.Insights[0].InsightType, preview.Insights[0].Confidence));
        Assert.Empty((await Insights.ListAsync([], Ct)).Items);
    }

    [Fact]
    public async Task Reading_counts_and_so_does_what_was_counted_where_an_import_came_from()
    {
        var mine = await Insights.AddAsync(new NewInsight { Content = "mine" }, Ct);
        var imported = new MemoryDraft
        {
            Id = Guid.CreateVersion7(),
            Type = MemoryTypes.Insight,
            Source = "session_buddy",
            Content = "theirs",
            OccurredAt = DateTimeOffset.UtcNow,
            Metadata = """{"kind":"insight","insight_type":"pattern","usage_count":3,"access_count":4,"last_used_at":"2030-01-01T00:00:00Z","quality_score":"0.9","topics":[1,"a"]}""",
        };
        await _host.Get<MemoryWriteStore>().WriteAsync([imported], WriteMode.Insert, Ct);

        await Insights.GetAsync(mine.Id, Ct);
        await _host.Memories.GetAsync(mine.Id, Ct);
        _host.Get<InsightUsageCounter>().Found([mine.Id, imported.Id, Guid.CreateVersion7()]);
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT coalesce(sum(found + read), 0)::bigint FROM insight_usage") == 4, "What was used is counted");

        var items = (await Insights.ListAsync([], Ct)).Items.ToDictionary(i => i.Content, StringComparer.Ordinal);
        Assert.Equal((1L, 2L, 0L), (items["mine"].Usage.Found, items["mine"].Usage.Read, items["mine"].Usage.Imported));
        Assert.Equal((1L, 0L, 7L, 2030), (items["theirs"].Usage.Found, items["theirs"].Usage.Read, items["theirs"].Usage.Imported, items["theirs"].Usage.LastUsedAt!.Value.Year));
        Assert.Equal((InsightTypes.Pattern, null, "a"), (items["theirs"].InsightType, items["theirs"].Quality, items["theirs"].Topics.Single()));
    }

    [Fact]
    public async Task An_erased_turn_takes_its_insights_along_and_an_erased_insight_stays_away()
    {
        var added = await _host.SayAsync("s", Talk.Assistant(Marked(Number(1), Number(2))));
        var insights = await ExpectAsync(2);
        await Insights.GetAsync(insights[0].Id, Ct);

        await _host.Memories.EraseAsync(insights[0].Id, Ct);
        Assert.Equal(new ExtractionResult(1, 2, 0, 0, 2, 0, 0, false), await SweepAsync(new()));
        Assert.Equal(1, await _database.ScalarAsync<long>("SELECT count(*) FROM insight_keys WHERE memory_id IS NULL"));

        await _host.Memories.EraseAsync(added.Messages[0].Id!.Value, Ct);
        Assert.Equal(0, await _database.ScalarAsync<long>("SELECT count(*) FROM memories"));
        Assert.Equal(0, await _database.ScalarAsync<long>("SELECT count(*) FROM insight_keys WHERE memory_id IS NOT NULL OR message_id IS NOT NULL OR session_id IS NOT NULL"));
    }

    [Fact]
    public async Task One_sweep_runs_at_a_time()
    {
        var first = await _host.Http.PostAsync("/insights:extract", "{}");
        Assert.Equal(HttpStatusCode.Accepted, first.Status);
        Assert.Equal(OperationKinds.Extraction, (string)first.Body!["kind"]!);
        await Eventually.Async(async () => OperationStates.IsFinal((await _host.Operations.GetAsync(Guid.Parse(first.Id), Ct)).State));
        Assert.Equal(OperationStates.Completed, (await _host.Operations.GetAsync(Guid.Parse(first.Id), Ct)).State);
    }

    private Task<IReadOnlyList<Insight>> ExpectAsync(int insights) => ExpectAsync(_host, insights);

    /// <summary>Waits until so many are there and no turn waits.</summary>
    private static Task<IReadOnlyList<Insight>> ExpectAsync(TestHost host, int insights) => Eventually.Async(
        async () => (await new InsightsClient(host.Http).ListAsync([], Ct)).Items, items => items.Count == insights, $"{insights} insights");

    private Task<ExtractionResult> SweepAsync(ExtractInsightsRequest request) => SweepAsync(_host, request);

    private static async Task<ExtractionResult> SweepAsync(TestHost host, ExtractInsightsRequest request)
    {
        var operation = await new InsightsClient(host.Http).ExtractAsync(request, Ct);
        operation = await Eventually.Async(() => host.Operations.GetAsync(operation.Id, Ct), o => OperationStates.IsFinal(o.State), "The sweep ends");
        Assert.Equal((OperationStates.Completed, null), (operation.State, operation.Error));
        return operation.Result!.Value.Deserialize<ExtractionResult>(WireJson.Lenient)!;
    }
}

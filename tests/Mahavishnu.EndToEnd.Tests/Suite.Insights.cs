using Mahavishnu.Contracts;

namespace Mahavishnu.EndToEnd.Tests;

public abstract partial class Suite
{
    private InsightsClient Insights => new(System.Http);

    private static string Marked(params IEnumerable<string> bodies) => string.Join("\n\n", bodies.Select(b => $"`★ Insight {new string('─', 37)}`\n{b}\n`{new string('─', 49)}`").Prepend("Done."));

    [Fact]
    public async Task What_assistants_mark_becomes_insights_each_of_them_once_whoever_says_or_writes_it()
    {
        var (project, one, two) = (Unique("learn"), Unique("one"), $"{Unique("two")}/{Guid.NewGuid()}");
        var (locks, floats, dates) = ($"Rows of {project} are locked in the order of their ids, because two batches deadlock otherwise.", $"Prices of {project} are kept in cents, since floats lose some of them.", $"Dates of {project} are stored in UTC, and shown in the zone of the reader.");

        var added = await Conversations.AddAsync(one, [Says("user", Marked("What a user marks is no insight of an assistant.")), Says("assistant", Marked(locks, "short"))], agentId: "claude", projectId: project, ct: Ct);
        var first = Assert.Single(await ExpectAsync(1));
        await Conversations.AddAsync(two, [Says("assistant", Marked(locks.ToUpperInvariant(), floats))], projectId: project, ct: Ct);
        await ExpectAsync(2);
        var known = await Insights.AddAsync(new NewInsight { Content = $" {locks[..^1]}", ProjectId = project }, Ct);
        var manual = await Insights.AddAsync(new NewInsight { Content = dates, ProjectId = project, Topics = ["time"], InsightType = InsightTypes.Gotcha }, Ct);

        Assert.Equal((locks, one, "claude"), (first.Content, first.SessionId, first.AgentId));
        Assert.Equal(new InsightOrigin(InsightExtractors.Marker, one, added.Messages[1].Id!.Value), first.ExtractedFrom);
        Assert.Equal((first.Id, true), (known.Id, known.Duplicate));
        Assert.Equal((InsightTypes.Gotcha, "time", null, null), (manual.InsightType, manual.Topics.Single(), manual.Duplicate, manual.ExtractedFrom));
        Assert.Equal(manual.Id, Assert.Single((await Insights.ListAsync([new("projectId", project), new("topic", "time")], Ct)).Items).Id);
        var started = await Insights.ExtractAsync(new ExtractInsightsRequest { ProjectId = project }, Ct);
        var sweep = await Eventually.Async(() => System.Operations.GetAsync(started.Id, Ct), o => o.State == OperationStates.Completed, "The sweep");
        Assert.Equal(0, sweep.Result!.Value.GetProperty("created").GetInt32());
        var preview = await Insights.PreviewAsync(Marked(floats, "short"), Ct);
        Assert.Equal((floats, 2, 1), (preview.Insights.Single().Content, preview.Blocks, preview.RefusedByLength));
        await ExpectAsync(3);

        async Task<IReadOnlyList<Insight>> ExpectAsync(int count) =>
            (await Eventually.Async(() => Insights.ListAsync([new("projectId", project)], Ct), p => p.Items.Count == count, $"{count} insights")).Items;
    }

    [Fact]
    public async Task How_often_an_insight_was_found_and_read_is_counted()
    {
        var project = Unique("used");
        var insight = await Insights.AddAsync(new NewInsight { Content = "A marmot whistles before it hides in its burrow.", ProjectId = project }, Ct);
        Assert.Equal((0L, 0L), (insight.Usage.Found, insight.Usage.Read));

        await System.Search.SearchAsync(new SearchRequest { Query = "marmot", ProjectId = project }, Ct);
        await System.Search.UnifiedAsync(new SearchRequest { Query = "burrow", ProjectId = project }, Ct);
        await Memories.GetAsync(insight.Id, Ct);

        // Another process may have counted what was found; a list is no read.
        var used = await Eventually.Async(async () => Assert.Single((await Insights.ListAsync([new("projectId", project)], Ct)).Items).Usage, u => u.Found >= 2 && u.Read >= 1, "The counts");
        Assert.Equal((2L, 1L, 0L), (used.Found, used.Read, used.Imported));
        Assert.NotNull(used.LastUsedAt);
    }

    [Fact]
    public async Task What_was_replaced_is_found_as_of_then_and_what_is_erased_is_gone_for_good()
    {
        var project = Unique("former");
        var old = await Memories.AddAsync(new NewMemory { Content = "The quagga cache lives in Redis.", ProjectId = project }, Ct);
        var then = TimeProvider.System.GetUtcNow();
        var changed = await Memories.PatchAsync(old.Id, new { content = "The quagga cache lives in Redis 8." }, old.Version, Ct);
        var successor = await Memories.AddAsync(new NewMemory { Content = "The quagga cache lives in memory.", ProjectId = project, Supersedes = old.Id.ToString() }, Ct);
        await EmbeddedAsync(old.Id);
        await EmbeddedAsync(successor.Id);

        var now = new SearchRequest { Query = "Where does the quagga cache live?", ProjectId = project };
        Assert.Equal([successor.Id], await FoundAsync(now));
        Assert.Equal(new HashSet<Guid> { old.Id, successor.Id }, (await FoundAsync(now with { IncludeSuperseded = true })).ToHashSet());
        var former = Assert.Single((await System.Search.SearchAsync(now with { AsOf = then }, Ct)).Hits);
        Assert.Equal((old.Id, old.Content, 1), (former.Id, former.Content, former.ShownVersion));
        Assert.Equal((old.Content, changed.Content), ((await Memories.GetAsOfAsync(old.Id, then, Ct)).Content, (await Memories.GetAsync(old.Id, Ct)).Content));
        Assert.Equal(successor.Id, (await Memories.GetAsync(old.Id, Ct)).SupersededBy);
        Assert.Contains((await Memories.HistoryAsync(old.Id, Ct)).Items, v => v.Version == 1 && v.Memory.Content == old.Content);

        await Memories.DeleteAsync(successor.Id, Ct);
        Assert.Empty(await FoundAsync(now));
        await Memories.RestoreAsync(successor.Id, Ct);
        Assert.Equal([successor.Id], await FoundAsync(now with { Mode = SearchModes.Text }));

        await Memories.EraseAsync(successor.Id, Ct);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => Memories.RestoreAsync(successor.Id, Ct))).Status);
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => Memories.HistoryAsync(successor.Id, Ct))).Status);
        Assert.Equal([old.Id], (await Memories.ListAsync([new("projectId", project), new("includeDeleted", "true")], Ct)).Items.Select(m => m.Id));
        // What it had replaced is valid again.
        Assert.Equal([old.Id], await FoundAsync(now));

        async Task<List<Guid>> FoundAsync(SearchRequest request) => [.. (await System.Search.SearchAsync(request, Ct)).Hits.Select(h => h.Id)];
    }
}

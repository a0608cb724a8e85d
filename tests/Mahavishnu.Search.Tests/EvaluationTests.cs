using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search.Tests;

/// <summary>Questions that should find their memory: kept, asked again, judged.</summary>
public sealed class EvaluationTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static async Task<(HttpStatusCode Status, JsonNode? Body, Uri? Location)> SendAsync(SearchWorld world, HttpMethod method, string path, string? json)
    {
        using var request = new HttpRequestMessage(method, Resources.Api + path)
        {
            Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json"),
        };
        using var response = await world.Host.Http.SendAsync(request, Ct);
        var text = await response.Content.ReadAsStringAsync(Ct);
        return (response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text), response.Headers.Location);
    }

    [Fact]
    public async Task A_pin_is_kept_listed_and_removed_and_the_same_again_is_the_same()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var draft = SearchWorld.Draft("The cache is  invalidated\nwhenever the configuration changes.") with { ProjectId = "p" };
        await world.RememberAsync(draft);
        var body = $$"""{"query":" why is the cache empty? ","memoryId":"{{draft.Id}}","types":["agent","insight"],"sources":["test"],"projectId":"p"}""";

        var first = await SendAsync(world, HttpMethod.Post, "/evals/pins", body);
        var again = await SendAsync(world, HttpMethod.Post, "/evals/pins", body.Replace("""["agent","insight"]""", """["insight","agent"]""", StringComparison.Ordinal));
        var other = await world.Host.Evaluations.PinAsync(new NewPinnedQuery { Query = "why is the cache empty?", MemoryId = draft.Id.ToString() }, Ct);

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK), (first.Status, again.Status));
        var id = (Guid)first.Body!["id"]!;
        Assert.Equal($"{Resources.Api}/evals/pins/{id}", first.Location?.ToString());
        Assert.Equal((id, true), ((Guid)again.Body!["id"]!, (bool)again.Body["duplicate"]!));
        Assert.Null(first.Body["duplicate"]);
        Assert.NotEqual(id, other.Id);

        var pins = (await world.Host.Evaluations.ListAsync(Ct)).Items;
        Assert.Equal([other.Id, id], pins.Select(p => p.Id));
        Assert.Equal(("why is the cache empty?", draft.Id, "The cache is invalidated whenever the configuration changes."), (pins[1].Query, pins[1].MemoryId, pins[1].Title));
        var scope = pins[1].Scope;
        Assert.Equal("agent insight|test|p|", $"{string.Join(' ', scope.Types)}|{string.Join(' ', scope.Sources)}|{scope.ProjectId}|{scope.RepoId}");

        await world.Host.Evaluations.UnpinAsync(id, Ct);
        Assert.Equal([other.Id], (await world.Host.Evaluations.ListAsync(Ct)).Items.Select(p => p.Id));
        Assert.Equal(404, (await Assert.ThrowsAsync<ApiException>(() => world.Host.Evaluations.UnpinAsync(id, Ct))).Status);
    }

    [Fact]
    public async Task Pins_are_listed_page_by_page_the_newest_first()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var memory = await world.RememberAsync("apple");
        var ids = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            ids.Insert(0, (await world.Host.Evaluations.PinAsync(new NewPinnedQuery { Query = $"apple {i}", MemoryId = memory.ToString() }, Ct)).Id);
        }

        var found = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = await world.Host.Evaluations.ListAsync(2, cursor, Ct);
            Assert.InRange(page.Items.Count, 1, 2);
            found.AddRange(page.Items.Select(p => p.Id));
            cursor = page.NextCursor;
        }
        while (cursor is not null);

        Assert.Equal(ids, found);
    }

    [Fact]
    public async Task A_run_says_where_each_memory_stands_and_what_share_is_found()
    {
        var models = new KnownModels();
        var model = models.Add("m", 2).With("red apple", 1, 0).With("green apple", 0.8f, 0.6f).With("old pear", 0, 1)
            .With("red?", 1, 0).With("green?", 0.8f, 0.6f).With("pear?", 1, 0);
        await using var world = await SpaceWorld.StartAsync(postgres, models, model);
        var ids = await world.RememberAsync("red apple", "green apple", "old pear");
        var evaluations = world.Search.Host.Evaluations;
        async Task PinAsync(string query, Guid memory) => await evaluations.PinAsync(new NewPinnedQuery { Query = query, MemoryId = memory.ToString() }, Ct);

        // By meaning: red first, green first, and "pear?" has red, green, pear in this order.
        await PinAsync("red?", ids[0]);
        await PinAsync("green?", ids[1]);
        await PinAsync("pear?", ids[2]);

        var vector = await evaluations.RunAsync(new RunEvaluationRequest { Mode = SearchModes.Vector }, Ct);
        var two = await evaluations.RunAsync(new RunEvaluationRequest { Mode = SearchModes.Vector, K = 2 }, Ct);
        var text = await evaluations.RunAsync(new RunEvaluationRequest { Mode = SearchModes.Text }, Ct);

        Assert.Equal(("vector", "m", 10, 3, 0), (vector.Mode, vector.Model, vector.K, vector.Queries, vector.Gone));
        Assert.Equal([3, 1, 1], vector.Results.Select(r => r.Rank));
        Assert.Equal(["pear?", "green?", "red?"], vector.Results.Select(r => r.Query));
        Assert.Equal(1, vector.Recall);
        Assert.Equal((1 + 1 + 1 / 3.0) / 3, vector.Mrr!.Value, 1e-9);
        Assert.Equal([null, 1, 1], two.Results.Select(r => r.Rank));
        Assert.Equal(2 / 3.0, two.Recall!.Value, 1e-9);
        Assert.Equal(2 / 3.0, two.Mrr!.Value, 1e-9);
        // Each word is in one memory alone.
        Assert.Equal((1.0, 1.0), (text.Recall!.Value, text.Mrr!.Value));
        Assert.Empty(text.Degraded);

        await world.Search.Host.Get<MemoryWriteStore>().DeleteAsync(ids[2], null, Ct);
        model.Away = true;
        var without = await evaluations.RunAsync(new RunEvaluationRequest { Mode = SearchModes.Vector, K = 1 }, Ct);
        Assert.Equal((2, 1), (without.Queries, without.Gone));
        // What was asked before has its vector still.
        Assert.Equal((1.0, 1.0), (without.Recall!.Value, without.Mrr!.Value));
        Assert.Null((await evaluations.ListAsync(Ct)).Items[0].Title);

        await PinAsync("apple?", ids[0]);
        var degraded = await evaluations.RunAsync(new RunEvaluationRequest(), Ct);
        Assert.Equal([ErrorCodes.Degraded.EmbeddingUnavailable], degraded.Degraded);
        Assert.Equal("m", degraded.Model);
    }

    [Fact]
    public async Task A_scope_holds_in_a_run_too()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var others = Enumerable.Range(0, 5).Select(i => SearchWorld.Draft("apple") with { ProjectId = "p", DedupeKey = $"{i}" }).ToList();
        var mine = SearchWorld.Draft("apple apple") with { ProjectId = "q", Type = MemoryTypes.Insight, Source = "notes" };
        await world.RememberAsync([.. others, mine]);
        await world.Host.Evaluations.PinAsync(new NewPinnedQuery { Query = "apple", MemoryId = mine.Id.ToString(), ProjectId = "q", Types = ["insight"], Sources = ["notes"] }, Ct);

        Assert.Equal(1, Assert.Single((await world.Host.Evaluations.RunAsync(new RunEvaluationRequest { K = 1 }, Ct)).Results).Rank);
    }

    [Fact]
    public async Task With_nothing_pinned_a_run_has_no_figures()
    {
        await using var world = await SearchWorld.StartAsync(postgres);

        // A body is not needed.
        var (status, body, _) = await SendAsync(world, HttpMethod.Post, "/evals:run", null);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(("hybrid", 0), ((string?)body!["mode"], (int)body["queries"]!));
        Assert.True(body["recall"] is null && body["mrr"] is null && body["model"] is null);
    }

    [Fact]
    public async Task A_thousand_pins_are_enough()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        var memory = await world.RememberAsync("apple");
        var first = await world.Host.Evaluations.PinAsync(new NewPinnedQuery { Query = "apple", MemoryId = memory.ToString() }, Ct);
        await world.Database.ExecuteAsync(
            "INSERT INTO pinned_queries (id, query, memory_id) SELECT gen_random_uuid(), 'apple ' || n, $1 FROM generate_series(2, $2) AS n", memory, PinnedQueryStore.Most);

        var refused = await Assert.ThrowsAsync<ApiException>(() => world.Host.Evaluations.PinAsync(new NewPinnedQuery { Query = "one more", MemoryId = memory.ToString() }, Ct));
        var known = await world.Host.Evaluations.PinAsync(new NewPinnedQuery { Query = "apple", MemoryId = memory.ToString() }, Ct);
        var run = await world.Host.Evaluations.RunAsync(new RunEvaluationRequest { Mode = SearchModes.Text, K = 1 }, Ct);

        Assert.Equal((409, ErrorCodes.Conflict), (refused.Status, refused.Code));
        Assert.Equal((first.Id, true), (known.Id, known.Duplicate));
        Assert.Equal((PinnedQueryStore.Most, 1.0), (run.Queries, run.Recall!.Value));
    }
}

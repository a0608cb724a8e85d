using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Spaces over REST: added, filled while the active one serves, activated, rolled back, dropped.</summary>
public sealed class SpacesTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private readonly StrangeModel _model = new();
    private TestDatabase _database = null!;
    private TestHost? _running;

    private TestHost Host => _running!;

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _model.Put("other", "d2", 4);
    }

    public async ValueTask DisposeAsync()
    {
        _model.Open();
        await StopAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_space_is_filled_beside_the_active_one_takes_over_and_goes_back()
    {
        await StartAsync(("VectorIndex:FromRows", "50"), ("VectorIndex:CheckSeconds", "0.1"), ("VectorIndex:BuildMemory", "16MB"));
        var first = await AddAsync(0, 60);
        await DrainedAsync();

        var accepted = await Host.Http.PostAsync("/embeddings", new JsonObject { ["model"] = "other", ["provider"] = "builtin" });
        var operation = accepted.Body.Deserialize<Operation>(WireJson.Lenient)!;
        Assert.Equal((HttpStatusCode.Accepted, $"/api/v1/operations/{operation.Id}"), (accepted.Status, accepted.Headers.Location?.OriginalString));
        var done = await EndedAsync(operation.Id);

        Assert.Equal(("completed", 60), (done.State, done.Progress.Done));
        var result = done.Result!.Value.Deserialize<EmbeddingSpaceResult>(WireJson.Lenient)!;
        Assert.Equal((2, "other", 4, 60, 0), (result.SpaceId, result.Model, result.Dimensions, result.Memories, result.Failed));
        var spaces = (await Host.Admin.EmbeddingsAsync(Ct)).Spaces;
        Assert.Equal(["active", "building"], spaces.Select(s => s.State));
        // With its index, so that whoever activates it does not wait for one.
        Assert.Equal((60, "ready", true), (spaces[1].Vectors, spaces[1].Index, spaces[1].FilledAt is not null));
        Assert.True(spaces[1].Bytes > 0, $"{spaces[1]}");
        Assert.Equal("other", (string?)(await Host.Http.FetchAsync("/embeddings/2")).Body!["model"]);

        var forth = await Host.Admin.ActivateSpaceAsync(2, ct: Ct);
        Assert.Equal((2, "other", 1), (forth.SpaceId, forth.Model, forth.PreviousId));
        Assert.All(await Task.WhenAll(first.Select(id => Host.Memories.GetAsync(id, Ct))), m => Assert.Equal("ready", m.Embedding));
        var written = await AddAsync(60, 5);
        await DrainedAsync();
        Assert.Equal((65, 65), (await CountAsync(1), await CountAsync(2)));
        Assert.Equal(HttpStatusCode.Conflict, (await Host.Http.AskAsync(HttpMethod.Delete, "/embeddings/2")).Status);

        Assert.Equal(2, (await Host.Admin.ActivateSpaceAsync(1, ct: Ct)).PreviousId);
        Assert.Equal("ready", (await Host.Memories.GetAsync(written[0], Ct)).Embedding);
        await Host.Admin.DropSpaceAsync(2, Ct);
        Assert.Equal(1, Assert.Single((await Host.Admin.EmbeddingsAsync(Ct)).Spaces).Id);
        Assert.Equal(HttpStatusCode.NotFound, (await Host.Http.FetchAsync("/embeddings/2")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Host.Http.AskAsync(HttpMethod.Delete, "/embeddings/2")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Host.Http.AskAsync(HttpMethod.Post, "/embeddings/2:activate")).Status);
    }

    [Theory]
    [InlineData("{}", "model", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":" "}""", "model", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"unheard-of","provider":"builtin"}""", "model", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"other","provider":"builtin","prefixProfile":"loud"}""", "prefixProfile", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"other","provider":"nobody"}""", "provider", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"other","provider":"builtin","distance":"far"}""", "distance", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"other","provider":"builtin","ratePerSecond":0}""", "ratePerSecond", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"huge","provider":"builtin"}""", "model", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"nobody-home","provider":"builtin"}""", null, HttpStatusCode.ServiceUnavailable)]
    [InlineData("""{"model":"half-pulled","provider":"builtin"}""", null, HttpStatusCode.ServiceUnavailable)]
    public async Task A_request_that_cannot_be_met_says_which_field_and_makes_no_space(string body, string? field, HttpStatusCode status)
    {
        _model.Put("huge", "d3", 4_001);
        await StartAsync();

        var answer = await Host.Http.PostAsync("/embeddings", body);

        Assert.Equal(status, answer.Status);
        Assert.Equal(field is null ? [] : [field], answer.Fields);
        Assert.Equal(field is null ? ErrorCodes.EmbeddingUnavailable : ErrorCodes.InvalidRequest, answer.Code);
        Assert.DoesNotContain((await Host.Admin.EmbeddingsAsync(Ct)).Spaces, s => s.Id > 1);
    }

    [Fact]
    public async Task A_space_that_is_not_filled_is_activated_by_force_alone_and_is_filled_all_the_same()
    {
        await StartAsync();
        await AddAsync(0, 30);
        await DrainedAsync();
        _model.AwayModel = "other";
        var operation = await FillAsync("other");
        await Eventually.Async(() => Host.Operations.GetAsync(operation.Id, Ct), o => o.Progress.Total == 30, "The fill's beginning");

        var refused = await Host.Http.PostAsync("/embeddings/2:activate", new JsonObject());
        Assert.Equal((HttpStatusCode.Conflict, ErrorCodes.Conflict), (refused.Status, refused.Code));
        Assert.Contains("0 of 30", (string?)refused.Body!["detail"], StringComparison.Ordinal);
        Assert.Equal(1, (await Host.Admin.ActivateSpaceAsync(2, force: true, Ct)).PreviousId);
        _model.AwayModel = null;

        Assert.Equal("completed", (await EndedAsync(operation.Id)).State);
        Assert.Equal(30, await CountAsync(2));
        Assert.NotNull((await Host.Admin.EmbeddingsAsync(Ct)).Spaces[1].FilledAt);
        var again = await Host.Http.PostAsync("/embeddings", new JsonObject { ["model"] = "other", ["provider"] = "builtin" });
        Assert.Equal(HttpStatusCode.Conflict, again.Status);
    }

    [Fact]
    public async Task A_model_that_is_away_keeps_its_space_waiting_and_says_why_while_the_others_go_on()
    {
        await StartAsync();
        await AddAsync(0, 10);
        await DrainedAsync();
        _model.AwayModel = "other";
        var operation = await FillAsync("other");

        await AddAsync(10, 10);
        await Eventually.Async(async () => await CountAsync(1) == 20, "The active space's vectors");

        var space = (await Eventually.Async(() => Host.Admin.EmbeddingsAsync(Ct), s => s.Spaces[1].Queue is { Pending: 20, Reasons.Count: > 0 }, "The reason")).Spaces[1];
        Assert.Equal(EmbeddingReasons.ModelAway, Assert.Single(space.Queue.Reasons).Reason);
        Assert.Equal((20, 0), (space.Queue.Pending, space.Queue.Failed));
        await Eventually.Async(() => Host.Operations.GetAsync(operation.Id, Ct), o => o.Progress.Message?.Contains("Connection refused", StringComparison.Ordinal) == true, "The operation's message");
        Assert.Equal(0, await CountAsync(2));
        _model.AwayModel = null;

        Assert.Equal("completed", (await EndedAsync(operation.Id)).State);
        Assert.Equal(20, await CountAsync(2));
    }

    [Fact]
    public async Task A_cancelled_fill_leaves_what_it_has_and_goes_on_when_it_is_asked_for_again()
    {
        await StartAsync();
        await AddAsync(0, 40);
        await DrainedAsync();
        var slow = await FillAsync("other", ratePerSecond: 10);
        await Eventually.Async(() => Host.Operations.GetAsync(slow.Id, Ct), o => o.Progress.Done >= 10, "The first page");

        await Host.Operations.CancelAsync(slow.Id, Ct);
        Assert.Equal("cancelled", (await EndedAsync(slow.Id)).State);
        Assert.InRange(await CountAsync(2), 10, 39);
        Assert.Equal("building", (await Host.Admin.EmbeddingsAsync(Ct)).Spaces[1].State);
        var cursor = await _database.ScalarAsync<Guid>("SELECT fill_cursor FROM embedding_spaces WHERE id = 2");
        Assert.NotEqual(Guid.Empty, cursor);

        var again = await FillAsync("other");
        Assert.Equal("completed", (await EndedAsync(again.Id)).State);
        Assert.Equal((40, 2), (await CountAsync(2), (await Host.Admin.EmbeddingsAsync(Ct)).Spaces.Count));
        // No memory was embedded for it twice.
        Assert.Equal(80, _model.Calls.SelectMany(c => c).Count());
    }

    [Fact]
    public async Task A_fill_whose_process_was_killed_goes_on_in_the_next_one()
    {
        await StartAsync();
        await AddAsync(0, 40);
        await DrainedAsync();
        _model.Close();
        var operation = await FillAsync("other");
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue WHERE space_id = 2 AND claim IS NOT NULL") > 0, "A claim");
        _model.Open();
        await StopAsync();
        // As kill -9 leaves it: claimed by somebody who is gone, half of the store queued.
        await _database.ExecuteAsync("""
            UPDATE operations SET state = 'running', claim = gen_random_uuid(), claimed_until = now() + interval '1 second', finished_at = NULL, result = NULL WHERE id = $1
            """, operation.Id);
        await _database.ExecuteAsync("DELETE FROM embedding_2");
        await _database.ExecuteAsync("DELETE FROM embedding_queue WHERE space_id = 2");
        await _database.ExecuteAsync("""
            UPDATE embedding_spaces SET filled_at = NULL, fill_cursor = (SELECT id FROM memories ORDER BY id OFFSET 19 LIMIT 1) WHERE id = 2
            """);
        await _database.ExecuteAsync("""
            INSERT INTO embedding_queue (tenant_id, memory_id, space_id, claim, claimed_until, attempts)
            SELECT tenant_id, id, 2, gen_random_uuid(), now() + interval '1 second', 1 FROM memories ORDER BY id LIMIT 20
            """);

        await StartAsync();

        Assert.Equal("completed", (await EndedAsync(operation.Id)).State);
        Assert.Equal(40, await CountAsync(2));
    }

    [Fact]
    public async Task Dropping_stops_the_fill_first()
    {
        await StartAsync();
        await AddAsync(0, 40);
        await DrainedAsync();
        var slow = await FillAsync("other", ratePerSecond: 1);

        await Host.Admin.DropSpaceAsync(2, Ct);

        Assert.NotEqual("completed", (await EndedAsync(slow.Id)).State);
        Assert.Single((await Host.Admin.EmbeddingsAsync(Ct)).Spaces);
        Assert.Equal(0, await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue"));
    }

    [Fact]
    public async Task A_drop_and_a_first_fill_that_died_with_their_process_are_ended_by_the_next()
    {
        await new EmbeddingSpaceStore(_database.DataSource).EnsureActiveAsync(StrangeModel.Info, Ct);
        await new EmbeddingSpaceStore(_database.DataSource).AddAsync(_model.Put("other", "d2", 4), Ct);
        await StartAsync(("Embedding:Workers", "0"));
        await AddAsync(0, 10);
        await StopAsync();
        await _database.ExecuteAsync("UPDATE embedding_spaces SET state = 'dropping' WHERE id = 2");
        await _database.ExecuteAsync("UPDATE embedding_spaces SET filled_at = NULL, fill_cursor = NULL WHERE id = 1");
        await _database.ExecuteAsync("DELETE FROM embedding_queue");

        await StartAsync();
        var keeper = Host.Get<EmbeddingSpaceKeeper>();
        await keeper.LookAsync(Ct);
        await keeper.LookAsync(Ct);

        await Eventually.Async(async () => await CountAsync(1) == 10, "The first space's vectors");
        Assert.Equal(1, Assert.Single((await Host.Admin.EmbeddingsAsync(Ct)).Spaces).Id);
    }

    [Fact]
    public async Task A_fill_takes_no_place_from_operations_that_work()
    {
        await StartAsync();
        await AddAsync(0, 10);
        await DrainedAsync();
        var fills = new List<Operation>();
        for (var i = 0; i < 3; i++)
        {
            var space = await Host.Get<EmbeddingSpaceStore>().AddAsync(StrangeModel.Info with { Model = $"other {i}", Digest = "gone", Dimensions = 4 }, Ct);
            fills.Add((await Host.Get<OperationStore>().StartAsync(OperationKinds.EmbeddingSpace, space.Space.Subject, new FillInput(space.Space.Id, null), Ct)).Operation);
        }

        foreach (var fill in fills)
        {
            await Eventually.Async(() => Host.Operations.GetAsync(fill.Id, Ct), o => o.State == "running", "A fill that runs");
        }

        var index = (await Host.Get<OperationStore>().StartAsync(OperationKinds.Index, "1", new IndexInput(1), Ct)).Operation;
        Assert.Equal("completed", (await EndedAsync(index.Id)).State);
    }

    private async Task StartAsync(params (string, string?)[] settings) => _running = await IngestHost.StartAsync(_database, _model, settings);

    private async Task StopAsync()
    {
        if (_running is not null)
        {
            await _running.DisposeAsync();
            _running = null;
        }
    }

    private Task<Operation> FillAsync(string model, double? ratePerSecond = null) =>
        Host.Admin.AddSpaceAsync(new AddEmbeddingSpaceRequest { Model = model, Provider = "builtin", RatePerSecond = ratePerSecond }, Ct);

    private Task<Operation> EndedAsync(Guid id) => Eventually.Async(() => Host.Operations.GetAsync(id, Ct), o => OperationStates.IsFinal(o.State), "The operation's end");

    private async Task<List<Guid>> AddAsync(int from, int count) =>
        [.. (await Host.Memories.AddBatchAsync([.. Enumerable.Range(from, count).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct)).Results.Select(r => r.Id!.Value)];

    private async Task DrainedAsync()
    {
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_spaces") >= 1);
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue WHERE failed_at IS NULL") == 0, "An empty queue");
    }

    private Task<long> CountAsync(int space) => _database.ScalarAsync<long>($"SELECT count(*) FROM embedding_{space}");
}

using System.Net;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Npgsql;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Which index a space has: by the settings, or as asked for; built anew once the table has outgrown it.</summary>
public sealed class IndexKindTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private readonly StrangeModel _model = new();
    private TestDatabase _database = null!;
    private TestHost? _running;

    private TestHost Host => _running!;

    public async ValueTask InitializeAsync() => _database = await postgres.CreateDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        if (_running is not null)
        {
            await _running.DisposeAsync();
        }

        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_kind_that_is_asked_for_is_built_shown_and_kept()
    {
        await StartAsync();
        await AddAsync(0, 60);

        var ivfflat = await BuildAsync(new BuildIndexRequest { Kind = "ivfflat", Lists = 2, Probes = 2 });
        Assert.Equal((1, "ivfflat", 2, 2, 60L, null), (ivfflat.SpaceId, ivfflat.Kind, ivfflat.Lists, ivfflat.Probes, ivfflat.Vectors, ivfflat.Note));
        var space = await SpaceAsync();
        Assert.Equal(("ready", "ivfflat", "ivfflat", 2, 2, 60L), (space.Index, space.WantedIndex, space.VectorIndex!.Kind, space.VectorIndex.Lists, space.VectorIndex.Probes, space.VectorIndex.Rows));
        Assert.Equal((ivfflat.Bytes, true), (space.VectorIndex.Bytes, ivfflat.Bytes > 0));
        Assert.Equal(IndexStep.None, await Host.Get<VectorIndexWorker>().LookAsync(Ct));

        Assert.Equal("hnsw-vector", (await BuildAsync(new BuildIndexRequest { Kind = "hnsw-vector" })).Kind);
        Assert.Equal(IndexStep.None, await Host.Get<VectorIndexWorker>().LookAsync(Ct));

        Assert.Equal(("none", 0L), ((await BuildAsync(new BuildIndexRequest { Kind = "none" })) is var none ? none.Kind : "", none.Bytes));
        space = await SpaceAsync();
        Assert.Equal(("none", "none", null), (space.Index, space.WantedIndex, space.VectorIndex));
        // Large enough for one, and none is wanted.
        Assert.Equal(IndexStep.None, await Host.Get<VectorIndexWorker>().LookAsync(Ct));
        Assert.Equal(3, (await Host.Operations.ListAsync("index", ct: Ct)).Items.Count);
    }

    [Fact]
    public async Task Nothing_asked_for_builds_anew_what_there_is()
    {
        await StartAsync();
        await AddAsync(0, 40);
        await BuildAsync(new BuildIndexRequest { Kind = "ivfflat", Lists = 2 });
        var before = (await SpaceAsync()).VectorIndex!;

        var again = await BuildAsync(null);

        var now = await SpaceAsync();
        Assert.Equal(("ivfflat", 2, "ivfflat"), (again.Kind, again.Lists, now.WantedIndex));
        Assert.True(now.VectorIndex!.BuiltAt > before.BuiltAt);
    }

    [Fact]
    public async Task Other_probes_are_no_reason_to_build()
    {
        await StartAsync();
        await AddAsync(0, 60);
        await BuildAsync(new BuildIndexRequest { Kind = "ivfflat" });
        var before = (await SpaceAsync()).VectorIndex!;
        Assert.Equal((3, 2), (before.Lists, before.Probes));

        var result = await BuildAsync(new BuildIndexRequest { Probes = 3 });

        var now = (await SpaceAsync()).VectorIndex!;
        Assert.Equal((3, 3, 3), (result.Probes, now.Probes, now.Lists));
        Assert.Equal(before.BuiltAt, now.BuiltAt);
    }

    [Fact]
    public async Task What_is_asked_for_before_there_is_anything_comes_with_size()
    {
        await StartAsync(("VectorIndex:FromRows", "50"));
        await AddAsync(0, 1);
        await _database.ExecuteAsync("DELETE FROM embedding_1");

        var result = await BuildAsync(new BuildIndexRequest { Kind = "ivfflat", Lists = 2 });
        Assert.Equal(("none", 0L), (result.Kind, result.Vectors));
        Assert.Contains("no vectors yet", result.Note, StringComparison.Ordinal);

        await AddAsync(1, 60);
        Assert.Equal(("ivfflat", 2), await Eventually.Async(async () => (await SpaceAsync()).VectorIndex is { } index ? (index.Kind, index.Lists ?? 0) : ("", 0), i => i.Item1.Length > 0, "The index"));
    }

    [Theory]
    [InlineData("""{"kind":"flat"}""", "kind", "The value must be one of hnsw, hnsw-vector, ivfflat, none.")]
    [InlineData("""{"kind":"HNSW"}""", "kind", "The value must be one of hnsw, hnsw-vector, ivfflat, none.")]
    [InlineData("""{"kind":"ivfflat","lists":0}""", "lists", "The value must be between 1 and 32,768.")]
    [InlineData("""{"kind":"ivfflat","lists":32769}""", "lists", "The value must be between 1 and 32,768.")]
    [InlineData("""{"kind":"ivfflat","probes":-1}""", "probes", "The value must be between 1 and 32,768.")]
    [InlineData("""{"kind":"hnsw","lists":500}""", "lists", "Only an index of kind ivfflat has lists.")]
    [InlineData("""{"probes":5}""", "probes", "Only an index of kind ivfflat has lists.")] // as it is now: hnsw
    [InlineData("""{"kind":"none","probes":5}""", "probes", "Only an index of kind ivfflat has lists.")]
    public async Task A_wrong_value_is_named_with_what_is_right(string body, string field, string message)
    {
        await StartAsync();
        await AddAsync(0, 1);

        var answer = await Host.Http.PostAsync("/embeddings/1:index", body);

        Assert.Equal((HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest, message), (answer.Status, answer.Code, answer.Error(field)));
        Assert.Equal([field], answer.Fields);
        Assert.Empty((await Host.Operations.ListAsync("index", ct: Ct)).Items);
    }

    [Fact]
    public async Task A_kind_that_cannot_hold_so_many_dimensions_is_refused_and_not_taken_by_itself()
    {
        await StartAsync(("VectorIndex:Kind", "hnsw-vector"));
        await AddAsync(0, 1);
        await _database.ExecuteAsync("UPDATE embedding_spaces SET dimensions = 3072");

        var answer = await Host.Http.PostAsync("/embeddings/1:index", """{"kind":"hnsw-vector"}""");

        Assert.Equal("An index of kind hnsw-vector takes at most 2,000 dimensions, and strange has 3,072: the value must be one of hnsw, ivfflat, none.", answer.Error("kind"));
        Assert.Equal("hnsw", new VectorIndexOptions { Kind = "hnsw-vector" }.For((await Host.Get<EmbeddingSpaceStore>().FindActiveAsync(Ct))!).Kind);
    }

    [Fact]
    public async Task There_is_no_index_of_a_space_that_is_not_there_and_no_unknown_property()
    {
        await StartAsync();
        await AddAsync(0, 1);

        Assert.Equal(HttpStatusCode.NotFound, (await Host.Http.PostAsync("/embeddings/7:index", "{}")).Status);
        var unknown = await Host.Http.PostAsync("/embeddings/1:index", """{"list":5}""");
        Assert.Equal((HttpStatusCode.BadRequest, ErrorCodes.UnknownProperty), (unknown.Status, unknown.Code));
    }

    [Fact]
    public async Task One_is_built_at_a_time_and_a_cancelled_one_changes_nothing()
    {
        await StartAsync();
        await AddAsync(0, 60);
        await BuildAsync(new BuildIndexRequest { Kind = "hnsw" });
        var before = await SpaceAsync();
        Operation operation;
        await using (await HoldAsync())
        {
            operation = await Host.Admin.BuildIndexAsync(1, new BuildIndexRequest { Kind = "ivfflat" }, Ct);
            await Eventually.Async(async () => (await Host.Operations.GetAsync(operation.Id, Ct)).Progress.Message ?? "", m => m.Contains("waiting for writers", StringComparison.Ordinal), "A build that waits");

            Assert.Equal(operation.Id, (await Host.Admin.BuildIndexAsync(1, new BuildIndexRequest { Kind = "ivfflat" }, Ct)).Id);
            var other = await Host.Http.PostAsync("/embeddings/1:index", """{"kind":"none"}""");
            Assert.Equal((HttpStatusCode.Conflict, ErrorCodes.Conflict), (other.Status, other.Code));
            Assert.Contains(operation.Id.ToString(), (string)other.Body!["detail"]!, StringComparison.Ordinal);

            // Searches and writes do not know of it.
            Assert.Equal(before.VectorIndex, (await SpaceAsync()).VectorIndex);
            await Host.Operations.CancelAsync(operation.Id, Ct);
            await Eventually.Async(async () => (await Host.Operations.GetAsync(operation.Id, Ct)).State, s => s == "cancelled", "The end of what was cancelled");
        }

        var after = await SpaceAsync();
        Assert.Equal((before.VectorIndex, "hnsw", "ready"), (after.VectorIndex, after.WantedIndex, after.Index));
        await Eventually.Async(
            () => _database.ScalarAsync<long>("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'embedding_1_vector_%'"), n => n == 0, "No leftovers");

        // What was cancelled can be had after all.
        await Host.Operations.RetryAsync(operation.Id, Ct);
        Assert.Equal("ivfflat", (await EndedAsync(operation.Id)).Kind);
    }

    [Fact]
    public async Task The_settings_decide_for_a_space_without_a_wish_of_its_own()
    {
        await StartAsync(("VectorIndex:FromRows", "60"), ("VectorIndex:Kind", "ivfflat"), ("VectorIndex:Lists", "3"), ("VectorIndex:Probes", "2"));
        await AddAsync(0, 60);

        var index = await Eventually.Async(async () => (await SpaceAsync()).VectorIndex, i => i is not null, "The index");

        Assert.Equal(("ivfflat", 3, 2), (index!.Kind, index.Lists, index.Probes));
        Assert.Null((await SpaceAsync()).WantedIndex);
    }

    [Fact]
    public async Task What_searches_find_by_the_index_is_shown_with_what_to_raise()
    {
        await StartAsync();
        await AddAsync(0, 60);
        await BuildAsync(new BuildIndexRequest { Kind = "hnsw" });
        Assert.Null((await SpaceAsync()).Recall);

        var space = (await Host.Get<EmbeddingSpaceStore>().FindActiveAsync(Ct))!;
        for (var i = 0; i < 20; i++)
        {
            await Host.Get<IndexRecallStore>().AddAsync(space, new IndexRecallSample(100, 10, i == 0 ? 8 : 10, i == 0 ? 8 : 9, 0.95), Ct);
        }

        var recall = (await SpaceAsync()).Recall!;
        Assert.Equal((0.895, 20, 1), (recall.Recall, recall.Searches, recall.CutShort));
        Assert.Contains("Search:EfSearch", recall.Advice, StringComparison.Ordinal);
        // Another index is another matter.
        await BuildAsync(null);
        Assert.Null((await SpaceAsync()).Recall);
    }

    [Fact]
    public async Task Lists_are_made_anew_for_four_times_as_many_vectors()
    {
        await StartAsync(("VectorIndex:FromRows", "50"), ("VectorIndex:Kind", "ivfflat"), ("VectorIndex:Lists", "2"));
        await AddAsync(0, 60);
        await Eventually.Async(async () => (await SpaceAsync()).VectorIndex?.Rows ?? 0, rows => rows >= 50, "The index");
        var first = (await SpaceAsync()).VectorIndex!;

        // In portions that are no bulk.
        foreach (var from in (int[])[60, 110, 160, 210])
        {
            await AddAsync(from, 50);
        }

        var grown = await Eventually.Async(async () => (await SpaceAsync()).VectorIndex, i => i is not null && i.BuiltAt != first.BuiltAt, "Another index");
        Assert.True(grown!.Rows >= 4 * first.Rows, $"{first} {grown}");
    }

    [Fact]
    public async Task A_graph_is_made_anew_once_a_third_of_it_is_gone()
    {
        await StartAsync(("VectorIndex:FromRows", "50"));
        await AddAsync(0, 100);
        await Eventually.Async(async () => (await SpaceAsync()).VectorIndex?.Rows ?? 0, rows => rows > 0, "The index");
        var first = (await SpaceAsync()).VectorIndex!;

        await _database.ExecuteAsync("DELETE FROM embedding_1 WHERE ctid IN (SELECT ctid FROM embedding_1 LIMIT 35)");

        var mended = await Eventually.Async(async () => (await SpaceAsync()).VectorIndex, i => i is not null && i.BuiltAt != first.BuiltAt, "Another index");
        Assert.Equal(65, mended!.Rows);
        // The count begins again from there.
        await Eventually.Async(async () => (await Host.Operations.ListAsync("index", "completed", Ct)).Items.Count, n => n == 2, "The operation's end");
        Assert.Equal(IndexStep.None, await Host.Get<VectorIndexWorker>().LookAsync(Ct));
    }

    private async Task StartAsync(params (string, string?)[] settings) =>
        _running = await IngestHost.StartAsync(_database, _model, [("VectorIndex:CheckSeconds", "0.1"), ("VectorIndex:BuildMemory", "64MB"), .. settings]);

    private async Task AddAsync(int from, int count)
    {
        await Host.Memories.AddBatchAsync([.. Enumerable.Range(from, count).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_spaces") == 1, "The space");
        await Eventually.Async(async () => await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_queue") == 0, "An empty queue");
    }

    private async Task<IndexResult> BuildAsync(BuildIndexRequest? request)
    {
        var answer = request is null
            ? await Host.Http.AskAsync(HttpMethod.Post, "/embeddings/1:index")
            : await Host.Http.PostAsync("/embeddings/1:index", JsonSerializer.Serialize(request, WireJson.Strict));
        Assert.True(answer.Status == HttpStatusCode.Accepted, answer.Body?.ToJsonString());
        Assert.Equal($"/api/v1/operations/{answer.Id}", answer.Headers.Location?.OriginalString);
        return await EndedAsync(Guid.Parse(answer.Id));
    }

    private async Task<IndexResult> EndedAsync(Guid id)
    {
        var operation = await Eventually.Async(() => Host.Operations.GetAsync(id, Ct), o => OperationStates.IsFinal(o.State), "The operation's end");
        Assert.True(operation.State == "completed", $"{operation.Error}");
        return operation.Result!.Value.Deserialize<IndexResult>(WireJson.Strict)!;
    }

    private async Task<EmbeddingSpaceInfo> SpaceAsync() => Assert.Single((await Host.Admin.EmbeddingsAsync(Ct)).Spaces);

    /// <summary>A writer that no build gets past, until it is disposed.</summary>
    private async Task<NpgsqlConnection> HoldAsync()
    {
        var connection = await _database.DataSource.OpenConnectionAsync(Ct);
        await using var command = new NpgsqlCommand("BEGIN; LOCK TABLE embedding_1 IN ROW EXCLUSIVE MODE", connection);
        await command.ExecuteNonQueryAsync(Ct);
        return connection;
    }
}

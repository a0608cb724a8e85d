using System.Net;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest.Tests;

/// <summary>The vector index: earned by size, out of the way of bulk, and back after a crash.</summary>
public sealed class IndexTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;
    private readonly StrangeModel _model = new();
    private TestDatabase _database = null!;
    private TestHost? _running;

    private TestHost Host => _running!;

    public async ValueTask InitializeAsync() => _database = await postgres.CreateDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        _model.Open();
        await StopAsync();
        await _database.DisposeAsync();
    }

    [Theory]
    // state, valid, rows, pending, loading, at work
    [InlineData("none", false, 99, 0, false, false, "None")] // too small
    [InlineData("none", false, 100, 0, false, false, "Build")]
    [InlineData("none", false, 1_000, 21, false, false, "None")] // still busy
    [InlineData("none", false, 1_000, 20, false, false, "Build")] // busy with next to nothing
    [InlineData("none", false, 1_000, 0, true, false, "None")] // a load is on
    [InlineData("none", false, 1_000, 0, false, true, "None")] // asked for already
    [InlineData("none", false, 1_000, 5_000, false, false, "None")]
    [InlineData("building", false, 1_000, 0, false, false, "Build")] // whoever built it is gone
    [InlineData("building", false, 1_000, 5_000, false, true, "None")] // it ends, and is dropped then
    [InlineData("ready", true, 1_000, 999, false, false, "None")]
    [InlineData("ready", true, 1_000, 1_000, false, false, "Drop")]
    [InlineData("ready", true, 10, 99, true, false, "None")] // small against the threshold
    [InlineData("ready", true, 10, 100, true, false, "Drop")]
    [InlineData("none", true, 1_000, 1_000, false, false, "Drop")] // a drop that was cut short
    [InlineData("ready", true, 1_000, 0, false, false, "None")]
    [InlineData("ready", false, 1_000, 0, false, false, "Build")] // said to be there, and is not
    public void The_decision(string state, bool valid, long rows, long pending, bool loading, bool atWork, string step) =>
        Assert.Equal(step, IndexDecision.Decide(new IndexSituation(state, valid, rows, pending, loading, atWork), fromRows: 100).ToString());

    [Theory]
    // wanted, built, lists, rows at the build, gone by then; rows now, gone by now
    [InlineData("hnsw", "hnsw", null, 1_000, 0, 100_000, 0, "None")] // a graph grows
    [InlineData("hnsw", "hnsw", null, 1_000, 0, 900, 300, "None")]
    [InlineData("hnsw", "hnsw", null, 1_000, 0, 900, 301, "Build")]
    [InlineData("hnsw", "hnsw", null, 1_000, 5_000, 900, 5_300, "None")]
    [InlineData("hnsw", "hnsw", null, 1_000, 5_000, 900, 301, "Build")] // PostgreSQL began to count anew
    [InlineData("hnsw", "hnsw", null, null, null, 900, 5_000, "None")] // built before this was written down
    [InlineData("ivfflat", "ivfflat", 50, 1_000, 0, 3_999, 0, "Build")] // it could have 199 lists
    [InlineData("ivfflat", "ivfflat", 50, 1_000, 0, 1_999, 0, "None")]
    [InlineData("ivfflat", "ivfflat", 50, 1_000, 0, 2_000, 0, "Build")]
    [InlineData("ivfflat", "ivfflat", 500, 100_000, 0, 399_999, 0, "None")]
    [InlineData("ivfflat", "ivfflat", 500, 100_000, 0, 400_000, 0, "Build")]
    [InlineData("ivfflat", "ivfflat", 501, 100_000, 0, 100_000, 0, "Build")] // fewer are wanted now
    [InlineData("ivfflat", "ivfflat", 499, 100_000, 0, 100_000, 0, "Build")] // so many can be had now
    [InlineData("ivfflat", "ivfflat", 500, 100_000, 0, 100_000, 90_000, "None")] // lists lose nothing by it
    [InlineData("ivfflat", "hnsw", null, 1_000, 0, 1_000, 0, "Build")]
    [InlineData("hnsw", "ivfflat", 50, 1_000, 0, 99, 0, "None")] // too small for any
    [InlineData("none", "hnsw", null, 1_000, 0, 1_000, 0, "Drop")]
    public void An_index_is_outgrown(string wanted, string kind, int? lists, int? builtRows, int? builtGone, long rows, long gone, string step)
    {
        var built = new BuiltIndex(kind, lists, null, builtRows, builtGone, null);
        var situation = new IndexSituation("ready", true, rows, 0, false, false) { Wanted = new VectorIndexSpec(wanted, wanted == "ivfflat" ? 500 : null), Built = built, Gone = gone };

        Assert.Equal(step, IndexDecision.Decide(situation, fromRows: 100).ToString());
    }

    [Theory]
    [InlineData("ready", true, 0, false, "Clear")]
    [InlineData("none", false, 0, false, "Clear")] // nothing to be built
    [InlineData("ready", true, 0, true, "None")] // somebody is at it
    [InlineData("ready", true, 5_000, false, "Drop")]
    public void What_a_build_left_behind_goes(string state, bool valid, long pending, bool atWork, string step) =>
        Assert.Equal(step, IndexDecision.Decide(new IndexSituation(state, valid, 99, pending, false, atWork) { Leftovers = true }, fromRows: 100).ToString());

    [Fact]
    public async Task The_index_comes_with_size_as_an_operation_that_can_be_followed()
    {
        await StartAsync();
        await AddAsync(0, 40);
        await Eventually.Async(() => _database.ScalarAsync<long>("SELECT count(*) FROM embedding_1"), n => n == 40);
        Assert.Equal(IndexStep.None, await Host.Get<VectorIndexWorker>().LookAsync(Ct));

        await AddAsync(40, 20);
        var operation = Assert.Single((await Eventually.Async(() => Host.Operations.ListAsync("index", ct: Ct), p => p.Items.Count == 1)).Items);

        var events = new List<Operation>();
        await foreach (var moment in Host.Operations.WatchAsync(operation.Id, Ct))
        {
            events.Add(moment);
        }

        Assert.Equal("completed", events[^1].State);
        Assert.Equal(60, events[^1].Result!.Value.GetProperty("vectors").GetInt64());
        Assert.Equal("ready", Assert.Single((await Host.Admin.EmbeddingsAsync(Ct)).Spaces).Index);
        Assert.True(await ValidAsync());
        Assert.Contains("USING hnsw (embedding halfvec_cosine_ops)", await _database.ScalarAsync<string>("SELECT indexdef FROM pg_indexes WHERE indexname = 'embedding_1_vector'"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bulk_larger_than_what_is_there_loads_first_and_is_indexed_after()
    {
        await StartAsync();
        await AddAsync(0, 60);
        await IndexAsync("ready");
        _model.Close();

        await AddAsync(60, 500);
        await IndexAsync("none");
        Assert.Equal(0, await _database.ScalarAsync<long>("SELECT count(*) FROM pg_indexes WHERE indexname = 'embedding_1_vector'"));
        _model.Open();

        await IndexAsync("ready");
        Assert.True(await ValidAsync());
        Assert.Equal(560, await _database.ScalarAsync<long>("SELECT count(*) FROM embedding_1"));
        // The index serves before its operation has ended.
        await Eventually.Async(async () => (await Host.Operations.ListAsync("index", ct: Ct)).Items, ops => ops.Count == 2 && ops.All(o => o.State == "completed"), "The operations' end");
    }

    [Fact]
    public async Task A_build_that_died_with_its_process_is_done_again()
    {
        await StartAsync();
        await AddAsync(0, 60);
        await IndexAsync("ready");
        await StopAsync();
        // As kill -9 leaves it: the state, the claim, an index that is not whole, and half of the one that was to take its place.
        await _database.ExecuteAsync("CREATE INDEX embedding_1_vector_new ON embedding_1 (memory_id)");
        await _database.ExecuteAsync("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'embedding_1_vector_new'::regclass");
        await _database.ExecuteAsync("UPDATE embedding_spaces SET index_state = 'building'");
        await _database.ExecuteAsync("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'embedding_1_vector'::regclass");
        await _database.ExecuteAsync("UPDATE operations SET state = 'running', claim = gen_random_uuid(), claimed_until = now() + interval '1 second', finished_at = NULL, result = NULL");

        await StartAsync();

        await IndexAsync("ready");
        Assert.True(await ValidAsync());
        Assert.Equal(["embedding_1_vector"], (await _database.RowsAsync("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'embedding_1_vector%'")).Select(r => r[0]));
        await Eventually.Async(async () => Assert.Single((await Host.Operations.ListAsync("index", ct: Ct)).Items).State, state => state == "completed", "The operation's end");
    }

    [Fact]
    public async Task A_build_that_fails_says_why_and_leaves_nothing_half_done()
    {
        await StartAsync(("VectorIndex:BuildMemory", "1kB"));
        await AddAsync(0, 60);

        var failed = Assert.Single((await Eventually.Async(() => Host.Operations.ListAsync("index", "failed", Ct), p => p.Items.Count == 1)).Items);

        Assert.Contains("maintenance_work_mem", failed.Error!.Message, StringComparison.Ordinal);
        await IndexAsync("none");
        // Not again at once: it would fail again.
        await Host.Get<VectorIndexWorker>().LookAsync(Ct);
        Assert.Single((await Host.Operations.ListAsync("index", ct: Ct)).Items);
        Assert.Equal(HttpStatusCode.OK, (await Host.Http.AskAsync(HttpMethod.Post, $"/operations/{failed.Id}:retry")).Status);
    }

    [Fact]
    public async Task What_another_process_builds_is_left_alone()
    {
        await StartAsync(("VectorIndex:FromRows", "1000"));
        await AddAsync(0, 60);
        await Eventually.Async(() => _database.ScalarAsync<long>("SELECT count(*) FROM embedding_1"), n => n == 60);
        var space = (await Host.Get<EmbeddingSpaceStore>().FindActiveAsync(Ct))!;
        // A reader holds the build up in the middle: half an index is there then, and no operation that builds it.
        await using var reader = await _database.DataSource.OpenConnectionAsync(Ct);
        await using var reading = await reader.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, Ct);
        await using (var read = new Npgsql.NpgsqlCommand("SELECT count(*) FROM memories", reader, reading))
        {
            await read.ExecuteScalarAsync(Ct);
        }

        var build = new VectorIndexStore(_database.DataSource).BuildAsync(space, VectorIndexSpec.Hnsw, "16MB", ct: Ct);
        await Eventually.Async(
            () => _database.ScalarAsync<string>("SELECT phase FROM pg_stat_progress_create_index WHERE relid = 'embedding_1'::regclass"),
            phase => phase == "waiting for old snapshots", "A build that waits");
        Assert.Equal(IndexStep.None, await Host.Get<VectorIndexWorker>().LookAsync(Ct).WaitAsync(TimeSpan.FromSeconds(30), Ct));
        await reading.RollbackAsync(Ct);

        Assert.Equal(60, (await build).Rows);
        Assert.Equal(IndexStep.None, await Host.Get<VectorIndexWorker>().LookAsync(Ct));
        Assert.True(await ValidAsync());
    }

    private async Task StartAsync(params (string, string?)[] settings) =>
        _running = await IngestHost.StartAsync(_database, _model, [("VectorIndex:FromRows", "50"), ("VectorIndex:CheckSeconds", "0.1"), ("VectorIndex:BuildMemory", "16MB"), .. settings]);

    private async Task StopAsync()
    {
        if (_running is not null)
        {
            await _running.DisposeAsync();
            _running = null;
        }
    }

    private Task AddAsync(int from, int count) =>
        Host.Memories.AddBatchAsync([.. Enumerable.Range(from, count).Select(i => new NewMemory { Content = $"memory {i}" })], ct: Ct);

    private Task IndexAsync(string state) => Eventually.Async(
        async () => (await Host.Admin.EmbeddingsAsync(Ct)).Spaces.SingleOrDefault()?.Index, index => index == state, $"An index that is {state}");

    private Task<bool> ValidAsync() => _database.ScalarAsync<bool>("SELECT indisvalid FROM pg_index WHERE indexrelid = 'embedding_1_vector'::regclass");
}

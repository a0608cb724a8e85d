using System.Collections.Concurrent;
using Mahavishnu.Contracts;
using Npgsql;

namespace Mahavishnu.Storage.Tests;

/// <summary>A space's vector index: each kind is used by the statement that goes with it, and one takes another's place without anybody waiting or searching without.</summary>
public sealed class VectorIndexTests(PostgresFixture postgres)
{
    private static readonly VectorIndexSpec Ivfflat = new(VectorIndexKinds.Ivfflat, 500);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string> Kinds => new()
    {
        { "hnsw", "cosine", "USING hnsw (embedding halfvec_cosine_ops)" },
        { "hnsw", "l2", "USING hnsw (embedding halfvec_l2_ops)" },
        { "hnsw", "ip", "USING hnsw (embedding halfvec_ip_ops)" },
        { "hnsw-vector", "cosine", "USING hnsw (((embedding)::vector(4)) vector_cosine_ops)" },
        { "hnsw-vector", "l2", "USING hnsw (((embedding)::vector(4)) vector_l2_ops)" },
        { "hnsw-vector", "ip", "USING hnsw (((embedding)::vector(4)) vector_ip_ops)" },
        { "ivfflat", "cosine", "USING ivfflat (embedding halfvec_cosine_ops) WITH (lists='30')" },
        { "ivfflat", "l2", "USING ivfflat (embedding halfvec_l2_ops) WITH (lists='30')" },
        { "ivfflat", "ip", "USING ivfflat (embedding halfvec_ip_ops) WITH (lists='30')" },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Each_kind_is_built_written_down_and_used(string kind, string distance, string definition)
    {
        await using var stores = await Stores.CreateAsync(postgres);
        var space = await stores.Spaces.EnsureActiveAsync(Stores.Model with { Distance = distance }, Ct);
        await FillAsync(stores, space, 600);

        await stores.Index.BuildAsync(space, new VectorIndexSpec(kind, 500), "64MB", ct: Ct);

        var now = (await stores.Spaces.FindActiveAsync(Ct))!;
        Assert.Equal(("ready", kind, 600L), (now.IndexState, now.BuiltIndex!.Kind, now.BuiltIndex.Rows));
        Assert.Equal(kind == "ivfflat" ? (30, 6) : (null, null), (now.BuiltIndex.Lists, now.BuiltIndex.Probes));
        Assert.Null(now.WantedIndex);
        Assert.EndsWith(definition, await stores.Database.ScalarAsync<string>("SELECT indexdef FROM pg_indexes WHERE indexname = 'embedding_1_vector'"), StringComparison.Ordinal);
        Assert.Contains("Index Scan using embedding_1_vector", await PlanAsync(stores, now), StringComparison.Ordinal);
        Assert.True((await stores.Index.LookAsync(now, Ct)) is { Valid: true, Leftovers: false, Bytes: > 0 });
    }

    [Theory]
    [InlineData(0, null, 1, 1)]
    [InlineData(199, null, 9, 3)]
    [InlineData(9_999, null, 499, 23)]
    [InlineData(150_000, null, 500, 23)]
    [InlineData(150_000, 40, 500, 40)]
    [InlineData(200, 40, 10, 10)] // no more than there are
    public void A_list_has_twenty_vectors_and_a_search_reads_as_many_lists_as_the_square_root_of_all(long rows, int? probes, int lists, int read)
    {
        var spec = Ivfflat with { Probes = probes };

        Assert.Equal((lists, read), (spec.ListsFor(rows), spec.ProbesOf(spec.ListsFor(rows))));
    }

    [Theory]
    [InlineData("ivfflat", "4", 77, "77")]
    [InlineData("hnsw", "23", 2_000, "1000")] // pgvector's bound
    public async Task A_scan_is_set_for_whichever_kind_there_is(string kind, string probes, int inView, string set)
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await FillAsync(stores, space, 240);
        await stores.Index.BuildAsync(space, new VectorIndexSpec(kind, 500), "64MB", ct: Ct);
        var now = (await stores.Spaces.FindActiveAsync(Ct))!;

        await using var settings = SqlText.Command($"SELECT {VectorScan.Settings}", stores.Database.DataSource);
        VectorScan.AddTo(settings.Parameters, now, inView);
        await using var reader = await settings.ExecuteReaderAsync(Ct);
        Assert.True(await reader.ReadAsync(Ct));
        var row = Enumerable.Range(0, reader.FieldCount).Select(reader.GetString);

        Assert.Equal([set, "relaxed_order", probes, "relaxed_order", "off"], row);
    }

    [Fact]
    public async Task While_an_index_is_built_nobody_who_writes_waits()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await FillAsync(stores, space, 300);
        await using var held = await HoldAsync(stores, space);
        var phases = new ConcurrentQueue<string>();
        var build = stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", report: p => phases.Enqueue(p.Phase), ct: Ct);
        await WaitingAsync(stores, space);

        for (var i = 0; i < 20; i++)
        {
            await using var writer = await stores.Database.DataSource.OpenConnectionAsync(Ct);
            await using var command = SqlText.Command($"SET lock_timeout = '5s'; {Insert(space)}", writer);
            await command.ExecuteNonQueryAsync(Ct);
        }

        Assert.Equal("building", (await stores.Spaces.FindActiveAsync(Ct))!.IndexState);
        await Eventually.Async(() => Task.FromResult(phases.Contains("waiting for writers before build")), "A report");
        await held.DisposeAsync();
        var built = await build;

        // What was written meanwhile is in it: the one that was held rolled back.
        Assert.Equal(320, built.Rows);
        Assert.Equal(320, await stores.Spaces.CountVectorsAsync(space, Ct));
        Assert.Contains("Index Scan using embedding_1_vector", await PlanAsync(stores, (await stores.Spaces.FindActiveAsync(Ct))!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_kind_takes_the_place_of_an_index_that_serves_until_then()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await FillAsync(stores, space, 300);
        await stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        var before = (await stores.Spaces.FindActiveAsync(Ct))!;
        var oid = await OidAsync(stores);
        await using var held = await HoldAsync(stores, space);
        using var time = new HeldTime();
        var build = new VectorIndexStore(stores.Database.DataSource, time).BuildAsync(before, new VectorIndexSpec(VectorIndexKinds.HnswVector), "64MB", wanted: true, ct: Ct);
        await WaitingAsync(stores, space);

        Assert.Equal(before, await stores.Spaces.FindActiveAsync(Ct));
        Assert.Contains("Index Scan using embedding_1_vector", await PlanAsync(stores, before), StringComparison.Ordinal);

        await held.DisposeAsync();
        // Who knows the space as it was finds its index as long as it may know it so; who knows it as it is finds the new one.
        EmbeddingSpace known;
        do
        {
            known = (await stores.Spaces.FindActiveAsync(Ct))!;
            Assert.Equal("ready", known.IndexState);
            Assert.Contains("Index Scan", await PlanAsync(stores, known), StringComparison.Ordinal);
        }
        while (known.BuiltIndex!.Kind == VectorIndexKinds.Hnsw);
        Assert.Contains("Index Scan using embedding_1_vector_old", await PlanAsync(stores, before), StringComparison.Ordinal);
        await time.PassAsync();
        await build;

        var now = (await stores.Spaces.FindActiveAsync(Ct))!;
        Assert.Equal(new VectorIndexSpec(VectorIndexKinds.HnswVector), now.WantedIndex);
        Assert.True((await stores.Index.LookAsync(now, Ct)) is { Valid: true, Leftovers: false });
        Assert.NotEqual(oid, await OidAsync(stores));
        Assert.DoesNotContain("Index Scan", await PlanAsync(stores, before), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_build_that_is_cancelled_leaves_the_index_that_serves_and_the_next_one_clears_up()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await FillAsync(stores, space, 300);
        await stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        var before = (await stores.Spaces.FindActiveAsync(Ct))!;
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using (var held = await HoldAsync(stores, space))
        {
            var build = stores.Index.BuildAsync(before, Ivfflat, "64MB", wanted: true, ct: cancel.Token);
            await WaitingAsync(stores, space);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => build);
        }

        Assert.False(await stores.Index.IsAtWorkAsync(before, Ct));
        Assert.Equal(before, await stores.Spaces.FindActiveAsync(Ct));
        Assert.True((await stores.Index.LookAsync(before, Ct)) is { Valid: true, Leftovers: true });
        Assert.Contains("Index Scan using embedding_1_vector", await PlanAsync(stores, before), StringComparison.Ordinal);

        await stores.Index.BuildAsync(before, Ivfflat, "64MB", ct: Ct);
        var now = (await stores.Spaces.FindActiveAsync(Ct))!;
        Assert.Equal(VectorIndexKinds.Ivfflat, now.BuiltIndex!.Kind);
        Assert.True((await stores.Index.LookAsync(now, Ct)) is { Valid: true, Leftovers: false });
    }

    [Fact]
    public async Task A_build_that_fails_leaves_the_index_that_serves()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await FillAsync(stores, space, 100);
        await stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        var before = (await stores.Spaces.FindActiveAsync(Ct))!;

        await Assert.ThrowsAsync<PostgresException>(() => stores.Index.BuildAsync(before, Ivfflat, "a lot", ct: Ct));

        Assert.False(await stores.Index.IsAtWorkAsync(before, Ct));
        Assert.Equal(before, await stores.Spaces.FindActiveAsync(Ct));
        Assert.True((await stores.Index.LookAsync(before, Ct)).Valid);
    }

    [Fact]
    public async Task An_index_that_is_not_whole_is_not_used_and_the_next_build_replaces_it()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await FillAsync(stores, space, 100);
        await stores.Index.BuildAsync(space, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        await stores.Database.ExecuteAsync("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'embedding_1_vector'::regclass");
        var broken = (await stores.Spaces.FindActiveAsync(Ct))!;

        Assert.False((await stores.Index.LookAsync(broken, Ct)).Valid);
        Assert.DoesNotContain("Index Scan", await PlanAsync(stores, broken), StringComparison.Ordinal);

        await stores.Index.BuildAsync(broken, VectorIndexSpec.Hnsw, "64MB", ct: Ct);
        Assert.Contains("Index Scan using embedding_1_vector", await PlanAsync(stores, broken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wanted_stays_until_something_else_is()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await FillAsync(stores, space, 400);

        await stores.Index.WantAsync(space, Ivfflat with { Probes = 3 }, Ct);
        Assert.Equal(Ivfflat with { Probes = 3 }, (await stores.Spaces.FindActiveAsync(Ct))!.WantedIndex);
        await stores.Index.BuildAsync(space, Ivfflat with { Probes = 3 }, "64MB", ct: Ct);
        Assert.Equal(3, (await stores.Spaces.FindActiveAsync(Ct))!.BuiltIndex!.Probes);
        await stores.Index.ProbeAsync(space, Ivfflat, 7, Ct);
        var probed = (await stores.Spaces.FindActiveAsync(Ct))!;
        Assert.Equal((Ivfflat, 7, "ready"), (probed.WantedIndex, probed.BuiltIndex!.Probes!.Value, probed.IndexState));

        await stores.Index.DropAsync(probed, new VectorIndexSpec(VectorIndexKinds.None), Ct);
        var without = (await stores.Spaces.FindActiveAsync(Ct))!;
        Assert.Equal((new VectorIndexSpec(VectorIndexKinds.None), null, "none"), (without.WantedIndex, without.BuiltIndex, without.IndexState));
        Assert.False((await stores.Index.LookAsync(without, Ct)).Valid);
    }

    [Fact]
    public async Task Vectors_that_went_are_counted()
    {
        var (stores, space) = await Stores.CreateWithSpaceAsync(postgres);
        await using var _ = stores;
        await FillAsync(stores, space, 100);
        await stores.Database.ExecuteAsync($"DELETE FROM {space.Table} WHERE ctid IN (SELECT ctid FROM {space.Table} LIMIT 30)");

        await Eventually.Async(async () => (await stores.Index.LookAsync(space, Ct)).Gone, gone => gone == 30, "The count");
    }

    private static string Insert(EmbeddingSpace space) => $"""
        INSERT INTO {space.Table} (tenant_id, memory_id, part, embedding, memory_type, source_system, occurred_at)
        SELECT 'default', gen_random_uuid(), 0, ARRAY[1 + random(), random(), random(), random()]::real[]::vector::halfvec, 'agent', 's', now()
        """;

    internal static Task FillAsync(Stores stores, EmbeddingSpace space, int rows) => stores.Database.ExecuteAsync($"{Insert(space)} FROM generate_series(1, $1)", rows);

    /// <summary>A writer whose transaction is open until it is disposed, and rolled back then: no build gets past it.</summary>
    internal static async Task<NpgsqlConnection> HoldAsync(Stores stores, EmbeddingSpace space)
    {
        var connection = await stores.Database.DataSource.OpenConnectionAsync(Ct);
        await using var command = SqlText.Command($"BEGIN; {Insert(space)}", connection);
        await command.ExecuteNonQueryAsync(Ct);
        return connection;
    }

    internal static Task WaitingAsync(Stores stores, EmbeddingSpace space) => Eventually.Async(
        () => stores.Database.ScalarAsync<string>($"SELECT phase FROM pg_stat_progress_create_index WHERE relid = '{space.Table}'::regclass"),
        phase => phase == "waiting for writers before build", "A build that waits");

    private static Task<uint> OidAsync(Stores stores) => stores.Database.ScalarAsync<uint>("SELECT 'embedding_1_vector'::regclass::oid");

    private static Task<string> PlanAsync(Stores stores, EmbeddingSpace space) => IndexPlanTests.ExplainAsync(
        stores, $"SELECT memory_id FROM {space.Table} e ORDER BY {space.IndexedDistance("e.embedding", "'[2,0,0,0]'::halfvec")} LIMIT 5", "enable_seqscan");

    /// <summary>A clock by which nobody's waiting ends before the test says so.</summary>
    internal sealed class HeldTime : TimeProvider, IDisposable
    {
        private readonly TaskCompletionSource<ITimer> _timer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
            _timer.TrySetResult(timer);
            return timer;
        }

        /// <summary>Once somebody waits, the time is over.</summary>
        public async Task PassAsync() => (await _timer.Task.WaitAsync(TimeSpan.FromSeconds(60), Ct)).Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        public void Dispose() => _timer.TrySetCanceled(Ct);
    }
}

using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Mahavishnu.Search.Tests;

/// <summary>Real searches are run again exactly: what the index finds is known, and somebody is told when it is too little.</summary>
public sealed class IndexRecallTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static IndexRecallStore Store(SearchWorld world) => new(world.Database.DataSource);

    // Points on a line, so many at each place: the centres of the two lists are 0 and 12. The question is at 5.5, so it looks into the first list, and
    // what is nearest to it is in the second.
    private static readonly (float Place, int Count)[] Misleading = [(0, 150), (9.5f, 40), (13, 100)];

    // The first list has less than is asked for.
    private static readonly (float Place, int Count)[] Scarce = [(0, 5), (100, 140)];

    /// <summary>An index of two lists, of which a search reads one.</summary>
    private static async Task<SpaceWorld> TwoListsAsync(PostgresFixture postgres, (float Place, int Count)[] points, params string[] planner)
    {
        var models = new KnownModels();
        var model = models.Add("m", 2, "l2").With("apple?", 5.5f, 1);
        var places = points.SelectMany(p => Enumerable.Repeat(p.Place, p.Count));
        var texts = places.Select((x, i) => (Text: $"apple {i}", X: x)).ToList();
        foreach (var (text, x) in texts)
        {
            model.With(text, x, 1);
        }

        var world = await SpaceWorld.StartAsync(
            postgres, models, model,
            // By a clock that stands still nothing takes time, so no rest is due.
            builder => builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(new FrozenTime())),
            // So few rows need no index; the planner is made to take it.
            database => PlannerAsync(database, ["enable_seqscan = off", "enable_bitmapscan = off", "enable_sort = off", .. planner]),
            ("Search:RecallShare", "1"));
        await world.RememberAsync([.. texts.Select(t => t.Text)]);
        await world.Search.Host.Get<VectorIndexStore>().BuildAsync(await world.Search.SpaceAsync(), new VectorIndexSpec(VectorIndexKinds.Ivfflat, 2, 1), "64MB", ct: Ct);
        world.Search.Host.Get<ActiveSpace>().Forget();
        return world;
    }

    [Fact]
    public async Task Too_low_a_recall_is_said_once_with_what_to_raise_and_once_when_it_is_well_again()
    {
        await using var world = await TwoListsAsync(postgres, Misleading);
        var log = world.Search.Host.Log;

        var low = await MeasuredAsync(world, w => w.Searches >= 25);

        Assert.Equal((0.0, 0, 1, true), (low.Recall, low.CutShort, low.Effort, low.IsLow));
        var warning = Assert.Single(await Eventually.Async(() => Task.FromResult(Said(log, LogLevel.Warning)), said => said.Count > 0, "The warning"));
        Assert.Contains("finds 0.000 of what is nearest", warning, StringComparison.Ordinal);
        Assert.Contains("Build the index anew: `mahavishnu embeddings index 1`.", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("apple", warning, StringComparison.Ordinal);

        // Both lists are read: everything is found, and what was measured before does not count.
        await world.Search.Host.Get<VectorIndexStore>().ProbeAsync(await world.Search.SpaceAsync(), new VectorIndexSpec(VectorIndexKinds.Ivfflat, 2, 2), 2, Ct);
        world.Search.Host.Get<ActiveSpace>().Forget();
        var well = await MeasuredAsync(world, w => w.Effort == 2 && w.Searches >= 25);

        Assert.Equal((1.0, 0, false), (well.Recall, well.CutShort, well.IsLow));
        Assert.Single(await Eventually.Async(() => Task.FromResult(Said(log, LogLevel.Information)), said => said.Count > 0, "The other message"));
        Assert.Single(Said(log, LogLevel.Warning));
    }

    [Fact]
    public async Task An_index_that_brings_fewer_than_there_are_is_counted()
    {
        // It gives up after one list, however little there was.
        await using var world = await TwoListsAsync(postgres, Scarce, "ivfflat.max_probes = 1");
        var measurements = new ConcurrentQueue<(string Name, double Value, string? Index)>();
        using var listener = Listen(world.Search, measurements);

        // Whoever asked got ten all the same.
        var window = await MeasuredAsync(world, w => w.Searches >= 2);

        Assert.Equal((0.5, window.Searches), (window.Recall, window.CutShort));
        Assert.Contains(("mahavishnu.search.recall", 0.5, "ivfflat"), measurements);
        Assert.Contains(("mahavishnu.search.recall.short", 1, "ivfflat"), measurements);
    }

    [Theory]
    [InlineData("hnsw")]
    [InlineData("hnsw-vector")]
    public async Task Memories_with_the_same_text_are_as_near_as_each_other(string kind)
    {
        var models = new KnownModels();
        var model = models.Add("m", 3).With("apple?", 1, 0.25f, 0.125f);
        var texts = Enumerable.Range(0, 200).Select(i => $"apple {i}").ToArray();
        foreach (var text in texts)
        {
            model.With(text, 0.3f, 0.7f, 0.1f);
        }

        await using var world = await SpaceWorld.StartAsync(
            postgres, models, model, builder => builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(new FrozenTime())),
            database => PlannerAsync(database, "enable_seqscan = off", "enable_bitmapscan = off", "enable_sort = off"), ("Search:RecallShare", "1"));
        await world.RememberAsync(texts);
        await world.Search.IndexAsync(kind);

        Assert.Equal(1.0, (await MeasuredAsync(world, w => w.Searches >= 3)).Recall);
    }

    [Fact]
    public async Task One_is_run_at_a_time_and_a_stop_does_not_wait_for_it()
    {
        await using var world = await TwoListsAsync(postgres, Misleading);
        var canary = world.Search.Host.Get<RecallCanary>();
        var space = await world.Search.SpaceAsync();
        var asked = await world.Search.Host.Get<QuestionEmbedder>().EmbedAsync("apple?", space, Ct);
        var plan = new SearchPlan(
            new Question { Text = "apple?", Limit = 10 }, space, asked.Vector, false, LexemeFrequencies.Unknown, new SearchTuning(60, 400, 8_000, 100, FusionKind.Weighted, 60, 0.3, 0.4, 0.1));
        await using var holder = await world.Search.Database.DataSource.OpenConnectionAsync(Ct);
        await using (var hold = new NpgsqlCommand("BEGIN; LOCK TABLE embedding_1 IN ACCESS EXCLUSIVE MODE", holder))
        {
            await hold.ExecuteNonQueryAsync(Ct);
        }

        for (var i = 0; i < 50; i++)
        {
            canary.Offer(plan);
        }

        await Eventually.Async(WaitingAsync, n => n == 1, "A search that waits");
        canary.Offer(plan);
        Assert.Equal(1, await WaitingAsync());

        await canary.StopAsync(Ct);
        await Eventually.Async(WaitingAsync, n => n == 0, "No search that waits");

        Task<long> WaitingAsync() => world.Search.Database.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
    }

    [Fact]
    public async Task Without_an_index_there_is_nothing_to_measure()
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: ("Search:RecallShare", "1"));
        await world.RememberAsync("The cache is invalidated");

        await world.SearchAsync("cache");

        Assert.Null(await Store(world).ReadAsync(await world.SpaceAsync(), Ct));
        Assert.Equal(0, await world.Database.ScalarAsync<long>("SELECT count(*) FROM recall_samples"));
    }

    [Theory]
    [InlineData("hnsw", 100, null, null, "Raise Search:EfSearch (now 100); where that does not help, build the index anew: `mahavishnu embeddings index 1`.")]
    [InlineData("hnsw-vector", 400, null, null, "Build the index anew: `mahavishnu embeddings index 1`.")]
    [InlineData("ivfflat", 23, 500, 23, "Have searches read more than 23 of the 500 lists: `mahavishnu embeddings index 1 --probes 46`.")]
    [InlineData("ivfflat", 126, 500, 126, "Build the index anew: `mahavishnu embeddings index 1`.")]
    public void The_advice_is_what_would_help(string kind, int effort, int? lists, int? probes, string advice)
    {
        var space = new EmbeddingSpace(1, "known", "m", "1", 4, "cosine", "none", "active", "ready", DateTimeOffset.UnixEpoch)
        {
            BuiltIndex = new BuiltIndex(kind, lists, probes, 1_000, 0, DateTimeOffset.UnixEpoch),
        };
        var window = new IndexRecallWindow(20, 0.94, 0, effort, 0.95, DateTimeOffset.UnixEpoch);

        Assert.Equal(advice, window.Advice(space));
        Assert.Null((window with { Searches = 19 }).Advice(space));
        Assert.Null((window with { Recall = 0.95 }).Advice(space));
    }

    [Fact]
    public async Task The_latest_hundred_count_and_of_another_index_none()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync("The cache is invalidated");
        await world.IndexAsync();
        var (store, space) = (Store(world), await world.SpaceAsync());
        for (var i = 0; i < IndexRecallStore.Latest + 20; i++)
        {
            await store.AddAsync(space, new IndexRecallSample(100, 10, i < 20 ? 1 : 10, i < 20 ? 0 : 9, 0.95), Ct);
        }

        var window = (await store.ReadAsync(space, Ct))!;
        Assert.Equal((IndexRecallStore.Latest, 0.9, 0, 100, 0.95), (window.Searches, window.Recall, window.CutShort, window.Effort, window.Bound));

        await world.IndexAsync();
        var rebuilt = await world.SpaceAsync();
        Assert.Null(await store.ReadAsync(rebuilt, Ct));
        // A measurement that was under way is not the new one's.
        await store.AddAsync(space, new IndexRecallSample(100, 10, 10, 9, 0.95), Ct);
        Assert.Null(await store.ReadAsync(rebuilt, Ct));
    }

    private static async Task<IndexRecallWindow> MeasuredAsync(SpaceWorld world, Func<IndexRecallWindow, bool> until)
    {
        var window = await Eventually.Async(
            async () =>
            {
                Assert.Equal(10, (await world.VectorAsync("apple?")).Hits.Count);
                return await Store(world.Search).ReadAsync(await world.Search.SpaceAsync(), Ct);
            },
            w => w is not null && until(w), "Enough measurements", TimeSpan.FromMinutes(2));
        return window!;
    }

    private static List<string> Said(TestLog log, LogLevel level) => [.. log.Lines.Where(l => l.Level == level && l.Category == typeof(RecallCanary).FullName).Select(l => l.Text)];

    private static async Task PlannerAsync(TestDatabase database, params string[] settings)
    {
        var name = new NpgsqlConnectionStringBuilder(database.ConnectionString).Database;
        foreach (var setting in settings)
        {
            await database.ExecuteAsync($"ALTER DATABASE {name} SET {setting}");
        }
    }

    private static MeterListener Listen(SearchWorld world, ConcurrentQueue<(string, double, string?)> measurements)
    {
        var meters = world.Host.Get<IMeterFactory>();
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name.StartsWith("mahavishnu.search.recall", StringComparison.Ordinal) && instrument.Meter.Scope == meters)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((i, value, tags, _) => measurements.Enqueue((i.Name, value, (string?)tags[0].Value)));
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => measurements.Enqueue((i.Name, value, (string?)tags[0].Value)));
        listener.Start();
        return listener;
    }
}

using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;

namespace Mahavishnu.Search.Tests;

/// <summary>How the arms go about it: which index, how many statements, and that nothing is lost to either.</summary>
public sealed class ArmsTests(PostgresFixture postgres)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // What the planner may not take, so that a table of a test is asked as a large one is.
    private static readonly string[] AsIfLarge = ["enable_seqscan", "enable_sort", "enable_hashjoin"];

    private static List<MemoryDraft> Many(int count, Func<int, MemoryDraft>? make = null) =>
        [.. Enumerable.Range(0, count).Select(make ?? (i => SearchWorld.Draft($"note {i} about topic {i % 17} and subject {i % 23}") with { Metadata = $$"""{"n":{{i}}}""" }))];

    private static JsonElement Below(int n) => JsonElement.Parse($$"""{"field":"metadata.n","op":"lt","value":{{n}}}""");

    [Fact]
    public async Task A_search_is_one_round_trip()
    {
        // On a slow machine a pooled connection would grow old between the two searches, and opening one is a span of its own.
        await using var world = await SearchWorld.StartAsync(
            postgres, builder => builder.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(new FrozenTime())), settings: ("Database:IdleLifetimeSeconds", "300"));
        await world.RememberAsync(Many(20));
        var searcher = world.Host.Get<Searcher>();
        var question = new Question { Text = "topic subject", Limit = 5 };
        await searcher.SearchAsync(question, unified: false, Ct);

        using var source = new ActivitySource("counting");
        var statements = new List<string>();
        string? root = null;
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s.Name is "Npgsql" or "counting",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = a =>
            {
                // Other tests search at the same time.
                if (a.Source.Name == "Npgsql" && a.RootId == root)
                {
                    statements.Add(a.DisplayName);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        using (var search = source.StartActivity("search"))
        {
            root = search!.RootId;
            var answer = await searcher.SearchAsync(question, unified: false, Ct);
            Assert.Equal(5, answer!.Hits.Count);
        }

        Assert.Single(statements);
    }

    [Theory]
    [InlineData("cosine", "hnsw")]
    [InlineData("l2", "hnsw")]
    [InlineData("ip", "hnsw")]
    [InlineData("cosine", "hnsw-vector")]
    [InlineData("l2", "hnsw-vector")]
    [InlineData("ip", "ivfflat")]
    [InlineData("cosine", "ivfflat")]
    public async Task The_vector_arm_can_use_the_index_of_its_space(string distance, string kind)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.Database.ExecuteAsync("UPDATE embedding_spaces SET distance = $1", distance);
        await world.RememberAsync(Many(300));
        await world.IndexAsync(kind);
        var space = await world.SpaceAsync();
        var asked = await world.Host.Get<QuestionEmbedder>().EmbedAsync("topic", space, Ct);
        var tuning = new SearchTuning(60, 400, 8_000, 100, FusionKind.Weighted, 60, 0.3, 0.4, 0.1);
        var plan = new SearchPlan(new Question { Text = "topic", Limit = 10, Types = ["agent"], SessionId = null }, space, asked.Vector, true, LexemeFrequencies.Unknown, tuning);

        var plans = await world.ExplainAsync(plan, AsIfLarge);
        var exact = await world.ExplainAsync(plan with { Exact = true }, AsIfLarge);

        Assert.Contains(plans, l => l.Contains("Index Scan using embedding_1_vector", StringComparison.Ordinal));
        Assert.DoesNotContain(exact, l => l.Contains("embedding_1_vector", StringComparison.Ordinal));
        Assert.Equal(10, (await world.SearchAsync(new SearchRequest { Query = "topic", Mode = SearchModes.Vector })).Hits.Count);
    }

    [Theory]
    [InlineData("text")]
    [InlineData("hybrid")]
    public async Task The_text_arm_uses_the_index_of_the_words(string mode)
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync(Many(2_000));
        await world.AnalyzeAsync();
        var space = await world.SpaceAsync();
        var asked = await world.Host.Get<QuestionEmbedder>().EmbedAsync("topic", space, Ct);
        var tuning = new SearchTuning(60, 400, 8_000, 100, FusionKind.Rrf, 60, 0.3, 0.4, 0.1);
        var plan = new SearchPlan(new Question { Text = "topic", Limit = 10 }, space, mode == "text" ? null : asked.Vector, true, LexemeFrequencies.Unknown, tuning);

        var lines = await world.ExplainAsync(plan, AsIfLarge);

        Assert.True(lines.Exists(l => l.Contains("Bitmap Index Scan on memories_words", StringComparison.Ordinal)), string.Join('\n', lines));
    }

    [Fact]
    public async Task The_limit_is_filled_even_where_the_index_scan_gives_up()
    {
        await using var world = await SearchWorld.StartAsync(postgres, prepare: async database =>
        {
            // An impatient scan over an index that the planner is made to take: it comes back with less than there is.
            var name = new NpgsqlConnectionStringBuilder(database.ConnectionString).Database;
            foreach (var setting in new[] { "enable_seqscan = off", "enable_bitmapscan = off", "enable_sort = off", "enable_hashjoin = off", "enable_mergejoin = off", "hnsw.max_scan_tuples = 1" })
            {
                await database.ExecuteAsync($"ALTER DATABASE {name} SET {setting}");
            }

            NpgsqlConnection.ClearPool(await database.DataSource.OpenConnectionAsync(Ct));
        });
        await world.RememberAsync(Many(1_500));
        await world.IndexAsync();
        var store = world.Host.Get<SearchStore>();
        var space = await world.SpaceAsync();
        var asked = await world.Host.Get<QuestionEmbedder>().EmbedAsync("topic", space, Ct);
        Filter? filter = new FilterParser((_, m) => Assert.Fail(m)).Parse(Below(30), "filter");
        var tuning = new SearchTuning(60, 400, 8_000, 100, FusionKind.Weighted, 60, 0.3, 0.4, 0.1);
        var once = await store.SearchAsync(new SearchPlan(new Question { Text = "topic", Limit = 20, Filter = filter }, space, asked.Vector, false, LexemeFrequencies.Unknown, tuning), Ct);
        Assert.InRange(once.Hits.Count, 0, 19);
        Assert.True(once.More);

        foreach (var mode in SearchModes.All)
        {
            Assert.Equal(20, (await world.SearchAsync(new SearchRequest { Query = "topic", Mode = mode, Limit = 20, Filter = Below(30) })).Hits.Count);
            Assert.Equal(7, (await world.SearchAsync(new SearchRequest { Query = "topic", Mode = mode, Limit = 20, Filter = Below(7) })).Hits.Count);
            Assert.Equal(200, (await world.SearchAsync(new SearchRequest { Query = "topic", Mode = mode, Limit = 200 })).Hits.Count);
        }
    }

    [Fact]
    public async Task With_the_index_the_nearest_are_those_of_the_exact_search()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync(Many(1_500));
        var request = new SearchRequest { Query = "note about topic 5 and subject 7", Mode = SearchModes.Vector, Limit = 20 };
        var exact = (await world.SearchAsync(request)).Hits;
        await world.IndexAsync();

        var approximate = (await world.SearchAsync(request)).Hits;

        // Hundreds of notes differ by their number alone, so which of equals comes first may change; how near they are may not.
        Assert.Equal(20, approximate.Count);
        Assert.Equal(approximate.OrderByDescending(h => h.Similarity).Select(h => h.Similarity), approximate.Select(h => h.Similarity));
        Assert.InRange(approximate.Sum(h => h.Similarity!.Value), exact.Sum(h => h.Similarity!.Value) * 0.99, exact.Sum(h => h.Similarity!.Value) + 0.001);
    }

    [Fact]
    public async Task A_word_in_nearly_every_memory_is_found_and_counts_little_beside_a_rare_one()
    {
        await using var world = await SearchWorld.StartAsync(postgres, settings: [("Search:ScannedMatches", "100"), ("Search:RankedMatches", "50")]);
        var rare = SearchWorld.Draft("a common and peculiar note") with { OccurredAt = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero) };
        await world.RememberAsync([rare, .. Many(1_200, i => SearchWorld.Draft($"common note {i}") with { Metadata = $$"""{"n":{{i}}}""" })]);
        await world.AnalyzeAsync();
        var frequencies = await world.Host.Get<LexemeStatistics>().GetAsync(Ct);
        Assert.Equal(1, frequencies.Frequencies[frequencies.Words.ToList().IndexOf("common")], 0.01);
        // The server's count of live rows may for a moment add what ANALYZE has counted already.
        Assert.InRange(frequencies.Rows, 1_201, 2 * 1_201);

        var both = await world.SearchAsync(new SearchRequest { Query = "common peculiar", Mode = SearchModes.Text, Limit = 10, Explain = true });
        var common = await world.IdsAsync(new SearchRequest { Query = "common", Mode = SearchModes.Text, Limit = 200 });
        var scoped = await world.IdsAsync(new SearchRequest { Query = "common", Mode = SearchModes.Text, Limit = 200, Filter = Below(150) });

        Assert.Equal(rare.Id, both.Hits[0].Id);
        Assert.Equal(10, both.Hits.Count);
        Assert.True(both.Hits[0].Score > 100 * both.Hits[1].Score);
        Assert.Equal(200, common.Count);
        Assert.Equal(150, scoped.Count);
    }

    [Fact]
    public async Task Words_are_known_before_the_first_analyze_too()
    {
        await using var world = await SearchWorld.StartAsync(postgres, prepare: d => d.ExecuteAsync("ALTER TABLE memories SET (autovacuum_enabled = off)"));
        await world.StoreAsync(Many(1_500, i => SearchWorld.Draft($"common note {i} {(i % 2 == 0 ? "even" : "odd")}")));
        await world.Database.ExecuteAsync("SELECT pg_stat_force_next_flush()");

        var frequencies = await Eventually.Async(
            async () => await world.Host.Get<LexemeStatistics>().RenewAsync(Ct), f => f.Rows > 1_000, "The count of the rows");

        var known = frequencies.Words.Zip(frequencies.Frequencies).ToDictionary(f => f.First, f => f.Second);
        Assert.Equal(1, known["common"], 0.001);
        Assert.Equal(0.5, known["even"], 0.05);
        Assert.DoesNotContain("7", known.Keys);
    }

    [Fact]
    public async Task Searches_of_all_kinds_are_measured()
    {
        await using var world = await SearchWorld.StartAsync(postgres);
        await world.RememberAsync("apple");
        var meters = world.Host.Get<IMeterFactory>();
        var durations = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "memory.search.latency" && instrument.Meter.Scope == meters)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, tags, _) =>
            durations.Add(string.Join(' ', tags.ToArray().Select(t => t.Value).Append(seconds > 0 ? "measured" : "zero"))));
        listener.Start();

        await world.SearchAsync("apple");
        await world.SearchAsync(new SearchRequest { Query = "apple", Mode = SearchModes.Text });
        await world.PostAsync($$"""{"like":"{{Guid.CreateVersion7()}}"}""");

        await world.Host.Search.UnifiedAsync(new SearchRequest { Query = "apple" }, Ct);

        Assert.Equal(["hybrid memories ok measured", "text memories ok measured", "hybrid memories not_found measured", "hybrid unified ok measured"], durations);
    }
}

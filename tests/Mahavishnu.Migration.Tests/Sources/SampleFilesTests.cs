using System.Globalization;
using System.Text.Json;

namespace Mahavishnu.Migration.Tests.Sources;

/// <summary>The sample files and what their manifest says of them; only where the folder is named.</summary>
public sealed class SampleFilesTests
{
    private const string Variable = "MAHAVISHNU_SESSION_BUDDY_SAMPLES";

    private static readonly SourceOptions Options = new(
        TimeZoneInfo.FindSystemTimeZoneById("America/Los_Angeles"), new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero), Copy: false, [], [], TimeProvider.System);

    private static string? Folder => Environment.GetEnvironmentVariable(Variable);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static bool NotGiven => string.IsNullOrEmpty(Folder);

    [Theory(Skip = $"{Variable} names no folder.", SkipWhen = nameof(NotGiven))]
    [InlineData("seed-schema.duckdb", "seed")]
    [InlineData("v1/reflection.duckdb", "g4")]
    [InlineData("v1-collections/reflection.duckdb", "g3")]
    [InlineData("v2/reflection.duckdb", "g5,g4")]
    public async Task Every_text_is_read_once_and_counted_as_the_manifest_does(string name, string generations)
    {
        var expected = Manifest().GetProperty("files").GetProperty(name);
        await using var file = await SourceFile.OpenAsync(Path.Combine(Folder!, name), Options, Ct);

        Assert.Equal(generations.Split(','), file.Generations);
        Assert.Equal(
            expected.GetProperty("text_tables_in_import_order").EnumerateArray().Select(t => t.GetString()!),
            file.Tables.Where(t => t.Role == SourceRole.Text).Select(t => t.Name));
        Assert.DoesNotContain(file.Tables, t => t.Reason == "unknown");
        var whole = new HashSet<string>(StringComparer.Ordinal);
        var total = (Import: 0, Duplicate: 0, Reject: 0);
        foreach (var table in file.Tables.Where(t => t.Role == SourceRole.Text))
        {
            var rows = expected.GetProperty("tables").GetProperty(table.Name);
            var alone = new HashSet<string>(StringComparer.Ordinal);
            var (read, rejected, repeated) = (0, 0, 0);
            await foreach (var row in file.ReadAsync(table, 0, Ct))
            {
                read++;
                switch (row)
                {
                    case TextRow text:
                        alone.Add(text.Draft.DedupeKey!);
                        repeated += whole.Add(text.Draft.DedupeKey!) ? 0 : 1;
                        break;
                    case RejectedRow:
                        rejected++;
                        break;
                }
            }

            Assert.Equal((Count(rows, "rows"), Count(rows, "rows")), (read, table.Rows));
            Assert.Equal(Count(rows, "distinct_accepted_contents"), alone.Count);
            Assert.Equal(Counts(rows.GetProperty("expected_dedup_within_file_in_listed_order")), (read - repeated - rejected, repeated, rejected));
            total = (total.Import + read - repeated - rejected, total.Duplicate + repeated, total.Reject + rejected);
        }

        Assert.Equal(Counts(expected.GetProperty("file_total_dedup_within_file")), total);
    }

    [Theory(Skip = $"{Variable} names no folder.", SkipWhen = nameof(NotGiven))]
    [InlineData("seed-schema.duckdb")]
    [InlineData("v1/reflection.duckdb")]
    [InlineData("v1-collections/reflection.duckdb")]
    [InlineData("v2/reflection.duckdb")]
    public async Task Marked_insights_are_found_as_often_as_the_manifest_counts_them(string name)
    {
        var expected = Manifest().GetProperty("files").GetProperty(name).GetProperty("tables");
        await using var file = await SourceFile.OpenAsync(Path.Combine(Folder!, name), Options, Ct);
        foreach (var table in file.Tables.Where(t => t.Role == SourceRole.Text && expected.GetProperty(t.Name).TryGetProperty("insight_marker_blocks", out _)))
        {
            var marked = (await file.ReadAsync(table, 0, Ct).ToListAsync(Ct)).OfType<TextRow>().Select(r => Ingest.InsightBlocks.Find(r.Draft.Content)).Where(m => m.Blocks > 0).ToList();

            var counts = expected.GetProperty(table.Name);
            Assert.Equal(
                (table.Name, Count(counts, "rows_with_insight_marker"), Count(counts, "insight_marker_blocks"), Count(counts, "insight_marker_blocks_rejected_by_length"), Count(counts, "insight_marker_distinct_bodies")),
                (table.Name, marked.Count, marked.Sum(m => m.Blocks), marked.Sum(m => m.RefusedByLength), marked.SelectMany(m => m.Bodies).Distinct(StringComparer.Ordinal).Count()));
        }
    }

    [Theory(Skip = $"{Variable} names no folder.", SkipWhen = nameof(NotGiven))]
    [InlineData("v1/reflection.duckdb")]
    [InlineData("v1-collections/reflection.duckdb")]
    [InlineData("v2/reflection.duckdb")]
    public async Task The_sample_rows_have_their_hash_and_their_time(string name)
    {
        var samples = Manifest().GetProperty("sample_rows").EnumerateArray().Where(s => s.GetProperty("file").GetString() == name).ToLookup(s => s.GetProperty("table").GetString());
        await using var file = await SourceFile.OpenAsync(Path.Combine(Folder!, name), Options, Ct);
        foreach (var samplesOfTable in samples)
        {
            var texts = new Dictionary<string, TextRow>(StringComparer.Ordinal);
            await foreach (var row in file.ReadAsync(file.Tables.Single(t => t.Name == samplesOfTable.Key), 0, Ct))
            {
                if (row is TextRow { SourceId: { } id } text)
                {
                    texts[id] = text;
                }
            }

            foreach (var sample in samplesOfTable)
            {
                var draft = texts[sample.GetProperty("id").GetString()!].Draft;
                Assert.Equal(sample.GetProperty("content_sha256").GetString(), Convert.ToHexStringLower(draft.ContentHash));
                Assert.Equal(sample.GetProperty("content_length_utf16").GetInt32(), draft.Content.Length);
                Assert.Equal(DateTimeOffset.Parse(sample.GetProperty("expected_created_at_utc").GetString()!, CultureInfo.InvariantCulture), draft.OccurredAt);
            }
        }
    }

    [Theory(Skip = $"{Variable} names no folder.", SkipWhen = nameof(NotGiven))]
    [InlineData("seed-schema.duckdb", "knowledge_graph", "expected_dedup_within_table")]
    [InlineData("knowledge_graph.duckdb", "kg_relationships", "expected_as_sentences")]
    [InlineData("knowledge_graph.duckdb", "kg_relationships", "expected_as_edges_by_id")]
    public async Task The_graph_is_counted_by_edges_and_by_sentences(string name, string table, string counts)
    {
        var expected = Manifest().GetProperty("files").GetProperty(name).GetProperty("tables").GetProperty(table).GetProperty(counts);
        await using var file = await SourceFile.OpenAsync(Path.Combine(Folder!, name), Options, Ct);
        var rows = await file.ReadAsync(file.Tables.Single(t => t.Name == table), 0, Ct).ToListAsync(Ct);
        // An edge whose end is a name is none by id.
        var edges = rows.OfType<EdgeRow>().Where(e => !e.ByName).ToList();
        var distinct = edges.Select(e => counts.Contains("edges", StringComparison.Ordinal) ? e.Edge.Id : e.Sentence.DedupeKey).Distinct().Count();

        Assert.Equal(Counts(expected), (distinct, edges.Count - distinct, rows.Count - edges.Count));
    }

    [Fact(Skip = $"{Variable} names no folder.", SkipWhen = nameof(NotGiven))]
    public async Task Edges_that_name_an_entity_are_led_to_it()
    {
        await using var file = await SourceFile.OpenAsync(Path.Combine(Folder!, "knowledge_graph.duckdb"), Options, Ct);
        var entities = await file.ReadAsync(file.Tables.Single(t => t.Role == SourceRole.Entities), 0, Ct).ToListAsync(Ct);
        var rows = await file.ReadAsync(file.Tables.Single(t => t.Role == SourceRole.Edges), 0, Ct).ToListAsync(Ct);
        var ids = entities.OfType<EntityRow>().Select(e => e.Entity.Id).ToHashSet(StringComparer.Ordinal);

        Assert.Equal((699, 1), (ids.Count, entities.OfType<RejectedRow>().Count()));
        Assert.Equal(5, rows.OfType<EdgeRow>().Count(e => e.ByName));
        Assert.All(rows.OfType<EdgeRow>(), e => Assert.True(ids.Contains(e.Edge.From) && ids.Contains(e.Edge.To)));
    }

    [Fact(Skip = $"{Variable} names no folder.", SkipWhen = nameof(NotGiven))]
    public async Task What_stands_beside_the_texts_is_carried_or_said_to_be_skipped()
    {
        var (carried, orphans) = (new Dictionary<string, int>(StringComparer.Ordinal), new Dictionary<string, int>(StringComparer.Ordinal));
        foreach (var name in new[] { "v1/reflection.duckdb", "v2/reflection.duckdb" })
        {
            await using var file = await SourceFile.OpenAsync(Path.Combine(Folder!, name), Options, Ct);
            foreach (var table in file.Tables.Where(t => t.Role == SourceRole.Carried))
            {
                var rows = await file.ReadAsync(table, 0, Ct).ToListAsync(Ct);
                orphans[table.Name] = rows.OfType<RejectedRow>().Count();
                carried[table.Name] = rows.Count - orphans[table.Name];
            }

            Assert.All(file.Tables.Where(t => t.Role == SourceRole.Skipped), t => Assert.NotNull(t.Reason));
        }

        Assert.Equal(
            [("access_log_v2", 734), ("causal_links", 300), ("distilled_skills", 40), ("project_dependencies", 26), ("project_groups", 6), ("reflection_tags", 4_208), ("session_links", 60)],
            carried.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => (c.Key, c.Value)));
        Assert.Equal([("access_log_v2", 1), ("reflection_tags", 2)], orphans.Where(o => o.Value > 0).OrderBy(o => o.Key, StringComparer.Ordinal).Select(o => (o.Key, o.Value)));
    }

    private static (int Import, int Duplicate, int Reject) Counts(JsonElement counts) => (Count(counts, "import"), Count(counts, "skip_duplicate"), Count(counts, "reject"));

    private static int Count(JsonElement counts, string name) => counts.GetProperty(name).GetInt32();

    private static JsonElement Manifest() => JsonElement.Parse(File.ReadAllText(Path.Combine(Folder!, "manifest.json")));
}

using System.Globalization;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Migration.Tests.Imports;

/// <summary>The sample files, all the way into the database; only where the folder is named.</summary>
public sealed class SampleImportTests(PostgresFixture postgres)
{
    private const string Variable = "MAHAVISHNU_SESSION_BUDDY_SAMPLES";

    private static string? Folder => Environment.GetEnvironmentVariable(Variable);

    public static bool NotGiven => string.IsNullOrEmpty(Folder);

    [Theory(Skip = $"{Variable} names no folder.", SkipWhen = nameof(NotGiven))]
    [InlineData("seed-schema.duckdb")]
    [InlineData("v1/reflection.duckdb")]
    [InlineData("v1-collections/reflection.duckdb")]
    [InlineData("v2/reflection.duckdb")]
    [InlineData("knowledge_graph.duckdb")]
    public async Task Alone_a_file_gives_what_the_manifest_says_and_nothing_twice(string name)
    {
        await using var world = await ImportWorld.StartAsync(postgres, ("Ingest:Roots:1", Folder));
        var path = Path.Combine(Folder!, name);
        var expected = Manifest().GetProperty("files").GetProperty(name);

        var dry = await world.ImportAsync(ImportWorld.Request(path) with { DryRun = true });
        Assert.Equal(0, await world.Database.ScalarAsync<long>("SELECT count(*) FROM memories"));
        var first = await world.ImportAsync(path);
        var again = await world.ImportAsync(path);

        Assert.Equal(Expected(expected), first.Total);
        Assert.Equal((dry.Total, Shown(dry.Files)), (first.Total, Shown(first.Files)));
        Assert.True(first.Verified, string.Join('\n', first.Verification!.Differences));
        var file = Assert.Single(first.Files);
        foreach (var table in file.Tables)
        {
            Assert.Equal(Dedup(expected.GetProperty("tables").GetProperty(table.Name).GetProperty("expected_dedup_within_file_in_listed_order")), new ImportCounts(table.Read, table.Imported, table.Duplicate, table.Rejected));
        }

        var total = Expected(expected);
        Assert.Equal((0, total.Imported + total.Duplicate, total.Rejected), (again.Total.Imported, again.Total.Duplicate, again.Total.Rejected));
        Assert.True(again.Verified, string.Join('\n', again.Verification!.Differences));
        Assert.Equal(total.Imported, await world.Database.ScalarAsync<long>("SELECT count(*) FROM memories WHERE dedupe_key LIKE 'sb:%' AND provenance ->> 'table' <> 'distilled_skills'"));

        await world.UndoAsync(again.ImportId!.Value);
        Assert.Equal(total.Imported, await world.Database.ScalarAsync<long>("SELECT count(*) FROM memories WHERE dedupe_key LIKE 'sb:%' AND provenance ->> 'table' <> 'distilled_skills'"));
        await world.UndoAsync(first.ImportId!.Value);
        foreach (var table in (string[])["memories", "import_rows", "kg_entities", "kg_relationships", "project_groups", "project_dependencies", "session_links", "causal_links"])
        {
            Assert.Equal((table, 0), (table, await world.Database.ScalarAsync<long>($"SELECT count(*) FROM {table}")));
        }
    }

    [Fact(Skip = $"{Variable} names no folder.", SkipWhen = nameof(NotGiven))]
    public async Task A_graph_is_counted_as_edges_and_as_sentences()
    {
        await using var world = await ImportWorld.StartAsync(postgres, ("Ingest:Roots:1", Folder));
        var files = Manifest().GetProperty("files");

        var kg = (await world.ImportAsync(Path.Combine(Folder!, "knowledge_graph.duckdb"))).Files[0].Graph!;
        var seed = (await world.ImportAsync(Path.Combine(Folder!, "seed-schema.duckdb"))).Files[0].Graph!;

        var relationships = files.GetProperty("knowledge_graph.duckdb").GetProperty("tables").GetProperty("kg_relationships");
        Assert.Equal(Dedup(relationships.GetProperty("expected_as_edges_by_id")), kg.Edges);
        Assert.Equal(Dedup(relationships.GetProperty("expected_as_sentences")), kg.Sentences);
        Assert.Equal(Dedup(files.GetProperty("knowledge_graph.duckdb").GetProperty("tables").GetProperty("kg_entities").GetProperty("expected")), kg.Entities);
        Assert.Equal(Dedup(files.GetProperty("seed-schema.duckdb").GetProperty("tables").GetProperty("knowledge_graph").GetProperty("expected_dedup_within_table")), seed.Sentences);
    }

    [Fact(Skip = $"{Variable} names no folder.", SkipWhen = nameof(NotGiven))]
    public async Task The_times_of_the_sample_rows_are_those_of_the_manifest()
    {
        await using var world = await ImportWorld.StartAsync(postgres, ("Ingest:Roots:1", Folder));
        foreach (var file in Manifest().GetProperty("sample_rows").EnumerateArray().GroupBy(s => s.GetProperty("file").GetString()!))
        {
            var report = await world.ImportAsync(Path.Combine(Folder!, file.Key));
            foreach (var sample in file.Where(s => s.GetProperty("expected_created_at_utc").ValueKind == JsonValueKind.String))
            {
                var hash = sample.GetProperty("content_sha256").GetString()!;
                var at = DateTimeOffset.Parse(sample.GetProperty("expected_created_at_utc").GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
                // The first of the rows with a text made the memory; the sample may be another of them.
                Assert.True(await world.Database.ScalarAsync<bool>("""
                    SELECT EXISTS (SELECT FROM memories m JOIN import_rows r ON r.memory_id = m.id WHERE m.dedupe_key = 'sb:' || $1 AND r.source_id = $2 AND (m.occurred_at = $3 OR NOT r.made))
                    """, hash, sample.GetProperty("id").GetString()!, at), sample.GetRawText());
            }

            await world.UndoAsync(report.ImportId!.Value);
        }
    }

    private static string Shown(IReadOnlyList<ImportedFile> files) => JsonSerializer.Serialize(files, WireJson.Lenient);

    private static ImportCounts Expected(JsonElement file) =>
        file.TryGetProperty("file_total_dedup_within_file", out var total) ? Dedup(total) : ImportCounts.None;

    private static ImportCounts Dedup(JsonElement counts)
    {
        var (imported, duplicate, rejected) = (counts.GetProperty("import").GetInt64(), counts.GetProperty("skip_duplicate").GetInt64(), counts.GetProperty("reject").GetInt64());
        return new ImportCounts(imported + duplicate + rejected, imported, duplicate, rejected);
    }

    private static JsonElement Manifest() => JsonElement.Parse(File.ReadAllText(Path.Combine(Folder!, "manifest.json")));
}

using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Migration.Tests.Imports;

/// <summary>What an import does, and what its report says of it.</summary>
public sealed class ImportTests(PostgresFixture postgres)
{
    private const string Reflections = "CREATE TABLE reflections (id VARCHAR, content VARCHAR, project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Files_in_sequence_share_one_set_of_texts_and_every_row_is_accounted_for()
    {
        await using var world = await ImportWorld.StartAsync(postgres, ("Import:RowsPerTransaction", "2"));
        world.Write("data/a.duckdb", Reflections, "INSERT INTO reflections VALUES ('1', 'one', NULL, NULL, NULL, NULL), ('2', 'two', NULL, NULL, NULL, NULL), ('3', 'one', 'p', NULL, NULL, NULL), ('4', NULL, NULL, NULL, NULL, NULL)");
        world.Write("data/b.duckdb", Reflections, "INSERT INTO reflections VALUES ('1', 'two', NULL, NULL, NULL, NULL), ('2', 'three', NULL, NULL, NULL, NULL)");
        File.Copy(Path.Combine(world.Folder, "data/a.duckdb"), Path.Combine(world.Folder, "data/backup_v1_20260101_000000.duckdb"));
        await File.WriteAllTextAsync(Path.Combine(world.Folder, "data/broken.duckdb"), "", Ct);

        var report = await world.ImportAsync(Path.Combine(world.Folder, "data"));

        Assert.Equal(new ImportCounts(6, 3, 2, 1), report.Total);
        Assert.Equal([(4, 2, 1, 1), (2, 1, 1, 0)], report.Files.SelectMany(f => f.Tables).Select(t => (t.Read, t.Imported, t.Duplicate, t.Rejected)));
        Assert.Equal(["backup_v1_20260101_000000.duckdb", "broken.duckdb"], report.Files.Where(f => f.Skipped is [{ Table: "*" }]).Select(f => Path.GetFileName(f.Path)).Order());
        Assert.Equal((6, 6, true), (report.Verification!.Rows, report.Verification.AccountedFor, report.Verified));
        Assert.Equal(["America/Los_Angeles"], report.Files.Select(f => f.TimeZone).Distinct());
    }

    [Fact]
    public async Task A_grown_file_brings_its_new_rows()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var file = world.Write("a.duckdb", Reflections, "INSERT INTO reflections VALUES ('1', 'one', NULL, NULL, NULL, NULL)");
        await world.ImportAsync(file);
        world.Write("a.duckdb", "INSERT INTO reflections VALUES ('2', 'two', NULL, NULL, NULL, NULL)");

        Assert.Equal(new ImportCounts(2, 1, 1, 0), (await world.ImportAsync(file)).Total);
    }

    [Fact]
    public async Task What_stands_beside_the_texts_is_carried_over_once()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var file = world.Write(
            "reflection.duckdb", Reflections, "INSERT INTO reflections VALUES ('r1', 'cause', NULL, NULL, NULL, NULL), ('r2', 'effect', NULL, NULL, NULL, NULL)",
            "CREATE TABLE project_groups (id VARCHAR, name VARCHAR, description VARCHAR, projects VARCHAR[], created_at TIMESTAMP, metadata JSON)",
            "INSERT INTO project_groups VALUES ('g', 'Tools', 'all of them', ['hammer', 'saw', 'saw'], '2026-01-01 12:00:00', NULL)",
            "CREATE TABLE project_dependencies (id VARCHAR, source_project VARCHAR, target_project VARCHAR, dependency_type VARCHAR, description VARCHAR, created_at TIMESTAMP, metadata JSON)",
            "INSERT INTO project_dependencies VALUES ('d', 'hammer', 'saw', 'envies', NULL, NULL, NULL)",
            "CREATE TABLE session_links (id VARCHAR, source_session_id VARCHAR, target_session_id VARCHAR, link_type VARCHAR, context VARCHAR, created_at TIMESTAMP, metadata JSON)",
            "INSERT INTO session_links VALUES ('l', 's1', 's2', 'continues', 'later', NULL, NULL)",
            "CREATE TABLE causal_links (id VARCHAR, from_id VARCHAR, to_id VARCHAR, link_type VARCHAR, evidence FLOAT, last_evidence_at TIMESTAMP, link_origin VARCHAR, created_at TIMESTAMP, depth INTEGER)",
            "INSERT INTO causal_links VALUES ('c', 'r1', 'r2', 'led_to', 0.75, NULL, 'observed', NULL, 1), ('x', 'r1', 'elsewhere', 'led_to', 0.5, NULL, 'observed', NULL, 1)");

        var first = await world.ImportAsync(file);
        var again = await world.ImportAsync(file);

        Assert.True(first.Verified && again.Verified, string.Join('\n', first.Verification!.Differences.Concat(again.Verification!.Differences)));
        Assert.Equal([("causal_links", 2), ("project_dependencies", 1), ("project_groups", 1), ("session_links", 1)], first.Files[0].Carried.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => (c.Key, c.Value)));
        Assert.Equal(first.Files[0].Carried, again.Files[0].Carried);
        Assert.Equal([["g", "hammer"], ["g", "saw"]], await world.Database.RowsAsync("SELECT group_id, project_id FROM project_group_members ORDER BY 2"));
        Assert.Equal([["hammer", "saw", "envies"]], await world.Database.RowsAsync("SELECT source_project, target_project, dependency_type FROM project_dependencies"));
        Assert.Equal([["s1", "s2", "later"]], await world.Database.RowsAsync("SELECT source_session, target_session, context FROM session_links"));
        // Ends that are memories now are named as such; the source's own ids are kept beside them.
        Assert.Equal([["cause", "effect", 0.75], ["cause", null, 0.5]], await world.Database.RowsAsync("""
            SELECT a.content, b.content, l.confidence FROM causal_links l
            LEFT JOIN memories a ON a.id::text = l.cause_id LEFT JOIN memories b ON b.id::text = l.effect_id ORDER BY l.id
            """));
        Assert.Equal(["elsewhere", "r2"], (await world.Database.RowsAsync("SELECT metadata ->> 'sourceEffect' FROM causal_links ORDER BY 1")).Select(r => r[0]));

        await world.UndoAsync(first.ImportId!.Value);
        Assert.Equal(1, await world.Database.ScalarAsync<long>("SELECT count(*) FROM project_groups"));
        await world.UndoAsync(again.ImportId!.Value);
        Assert.Equal(0, await world.Database.ScalarAsync<long>("SELECT (SELECT count(*) FROM project_groups) + (SELECT count(*) FROM project_group_members) + (SELECT count(*) FROM project_dependencies) + (SELECT count(*) FROM session_links) + (SELECT count(*) FROM causal_links)"));
    }

    [Fact]
    public async Task An_edge_without_its_entities_is_rejected_and_the_rest_goes_on()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var file = world.Write(
            "knowledge_graph.duckdb",
            "CREATE TABLE kg_entities (id VARCHAR, name VARCHAR, entity_type VARCHAR, observations VARCHAR[], properties JSON, created_at TIMESTAMP)",
            "CREATE TABLE kg_relationships (id VARCHAR, from_entity VARCHAR, to_entity VARCHAR, relation_type VARCHAR, properties JSON, created_at TIMESTAMP)",
            "INSERT INTO kg_entities VALUES ('a', 'Anna', 'person', ['kind'], NULL, NULL), ('b', 'Bela', 'person', NULL, NULL, NULL)",
            "INSERT INTO kg_relationships VALUES ('1', 'a', 'b', 'knows', NULL, NULL), ('2', 'a', 'b', 'knows', NULL, NULL), ('3', 'a', 'Bela', 'trusts', NULL, NULL), ('4', 'a', 'nobody', 'seeks', NULL, NULL)");

        var whole = await world.ImportAsync(file);
        Assert.Equal(new ImportCounts(4, 1, 1, 2), whole.Files[0].Graph!.Edges);
        Assert.Equal(1, whole.Files[0].Carried["kg_relationships by name"]);
        Assert.True(whole.Verified, string.Join('\n', whole.Verification!.Differences));
        Assert.Equal([["a", "b", "knows"], ["a", "b", "trusts"]], await world.Database.RowsAsync("SELECT from_entity, to_entity, relation_type FROM kg_relationships ORDER BY 3"));
        await world.UndoAsync(whole.ImportId!.Value);

        var edges = await world.ImportAsync(ImportWorld.Request(file) with { Tables = ["kg_relationships"] });
        Assert.Equal(new ImportCounts(4, 0, 0, 4), edges.Files[0].Graph!.Edges);
        Assert.Equal(4, (await world.Imports.RejectsAsync(edges.ImportId!.Value, ct: Ct)).Items.Count);
    }

    [Fact]
    public async Task Rejects_come_in_pages_with_their_rows()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var import = (await world.ImportAsync(world.Write("a.duckdb", Reflections, "INSERT INTO reflections SELECT 'r' || i, ' ', NULL, NULL, NULL, NULL FROM range(1, 121) t(i)"))).ImportId!.Value;

        var first = await world.Imports.RejectsAsync(import, ct: Ct);
        var rest = new List<ImportReject>();
        for (var cursor = first.NextCursor; cursor is not null;)
        {
            var page = await world.Imports.RejectsAsync(import, cursor, Ct);
            rest.AddRange(page.Items);
            cursor = page.NextCursor;
        }

        Assert.Equal(Enumerable.Range(1, 120).Select(i => $"r{i}"), first.Items.Concat(rest).Select(r => r.Raw.GetProperty("id").GetString()));
        using var foreign = await world.Host.Http.GetAsync($"/api/v1/imports?cursor={first.NextCursor}", Ct);
        Assert.Equal(400, (int)foreign.StatusCode);
    }

    [Fact]
    public async Task A_verification_names_what_is_not_as_it_should_be()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        await world.Database.ExecuteAsync("""
            CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                UPDATE memories SET content = 'spoilt' WHERE content = 'two'; UPDATE memories SET occurred_at = now() WHERE content = 'three'; RETURN NULL; END $$
            """);
        await world.Database.ExecuteAsync("CREATE TRIGGER spoil AFTER UPDATE ON import_tables FOR EACH ROW WHEN (NEW.finished) EXECUTE FUNCTION spoil()");

        var report = await world.ImportAsync(world.Write("a.duckdb", Reflections,
            "INSERT INTO reflections VALUES ('1', 'one', NULL, NULL, '2026-01-01 00:00:00', NULL), ('2', 'two', NULL, NULL, NULL, NULL), ('3', 'three', NULL, NULL, '2026-01-01 00:00:00', NULL)"));

        Assert.False(report.Verified);
        Assert.Equal((3, 1), (report.Verification!.Rows, report.Verification.AccountedFor));
        Assert.Equal(["row 2: Its memory has another content.", "row 3: Its memory has another time"], report.Verification.Differences.Select(d => d[d.IndexOf("row", StringComparison.Ordinal)..].Split(": 2")[0]).Order());
    }

    [Theory]
    [InlineData("empty.duckdb")]
    [InlineData("text.duckdb")]
    [InlineData("truncated.duckdb")]
    public async Task A_file_that_cannot_be_read_is_one_sentence_and_touches_nothing(string name)
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var good = world.Write("good.duckdb", Reflections, "INSERT INTO reflections SELECT 'r' || i, 'text ' || i, NULL, NULL, NULL, NULL FROM range(1, 50000) t(i)");
        var bad = Path.Combine(world.Folder, name);
        var bytes = await File.ReadAllBytesAsync(good, Ct);
        await File.WriteAllBytesAsync(bad, name switch { "empty.duckdb" => [], "text.duckdb" => "These are notes of mine."u8.ToArray(), _ => bytes[..(bytes.Length / 2)] }, Ct);

        var operation = await world.EndAsync(await world.Imports.StartAsync(ImportWorld.Request(bad), Ct));

        Assert.Equal((OperationStates.Failed, ErrorCodes.UnreadableSource), (operation.State, operation.Error?.Code));
        Assert.Contains(name, operation.Error!.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", operation.Error.Message, StringComparison.Ordinal);
        Assert.Equal(0, await world.Database.ScalarAsync<long>("SELECT count(*) FROM memories"));
    }

    [Fact]
    public async Task What_cannot_be_read_in_a_folder_is_named_and_the_rest_comes_in()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        await using var world = await ImportWorld.StartAsync(postgres);
        world.Write("good.duckdb", Reflections, "INSERT INTO reflections VALUES ('1', 'one', NULL, NULL, NULL, NULL)");
        File.CreateSymbolicLink(Path.Combine(world.Folder, "away.duckdb"), "nowhere");
        File.CreateSymbolicLink(Path.Combine(world.Folder, "outside.duckdb"), "/etc/hosts");
        await File.WriteAllBytesAsync(Path.Combine(world.Folder, "empty.duckdb"), [], Ct);

        var report = await world.ImportAsync(world.Folder);

        Assert.Equal(new ImportCounts(1, 1, 0, 0), report.Total);
        Assert.Equal(
            ["/away.duckdb does not exist.", "/empty.duckdb is empty.", "/outside.duckdb lies outside the directories"],
            report.Files.Where(f => f.Skipped is [{ Table: "*" }]).Select(f => f.Skipped[0].Reason.Replace(world.Folder, "", StringComparison.Ordinal).Split(" this server")[0]));
    }

    [Fact]
    public async Task A_folder_with_nothing_but_backups_is_said_to_be_so()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var backup = world.Write("knowledge_graph_acb.duckdb", Reflections);

        var operation = await world.EndAsync(await world.Imports.StartAsync(ImportWorld.Request(world.Folder), Ct));

        Assert.Equal(ErrorCodes.UnreadableSource, operation.Error?.Code);
        Assert.StartsWith($"{backup} is a backup", operation.Error!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Reflektions", null, "tables: the files have no Reflektions. They have: notes, reflections.")]
    [InlineData(null, "team", "collections: the files have no team. They have: default.")]
    public async Task A_name_that_nothing_bears_is_told_and_nothing_is_imported(string? table, string? collection, string says)
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var file = world.Write("a.duckdb", Reflections, "INSERT INTO reflections VALUES ('1', 'one', NULL, NULL, NULL, NULL)", "CREATE TABLE notes (id VARCHAR)");

        var operation = await world.EndAsync(await world.Imports.StartAsync(
            ImportWorld.Request(file) with { Tables = table is null ? [] : ["REFLECTIONS", table], Collections = collection is null ? [] : [collection] }, Ct));

        Assert.Equal((OperationStates.Failed, ErrorCodes.InvalidRequest, says), (operation.State, operation.Error?.Code, operation.Error?.Message));
        Assert.Equal(0, await world.Database.ScalarAsync<long>("SELECT count(*) FROM memories"));
    }

    [Fact]
    public async Task A_name_that_cannot_be_kept_is_refused_by_its_field()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var file = world.Write("a.duckdb", Reflections);

        var refused = await Assert.ThrowsAsync<ApiException>(() => world.Imports.StartAsync(ImportWorld.Request(file) with { Tables = ["reflections", "a\0b"] }, Ct));

        Assert.Equal(400, refused.Status);
        Assert.Contains("tables[1]", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Asking_again_while_it_runs_answers_with_the_same_operation_and_other_settings_are_a_conflict()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var file = world.Write("a.duckdb", Reflections);
        var running = Guid.CreateVersion7();
        await world.Database.ExecuteAsync(
            "INSERT INTO operations (id, kind, subject, state, claim, claimed_until, input) VALUES ($1, 'import', $2, 'running', $1, now() + interval '1 hour', $3::jsonb)",
            running, file, JsonSerializer.Serialize(new ImportInput { Paths = [file], TimeZone = "America/Los_Angeles" }, WireJson.Lenient));

        Assert.Equal(running, (await world.Imports.StartAsync(ImportWorld.Request(file), Ct)).Id);
        var conflict = await Assert.ThrowsAsync<ApiException>(() => world.Imports.StartAsync(ImportWorld.Request(file) with { TimeZone = "UTC" }, Ct));
        Assert.Equal((409, ErrorCodes.Conflict), (conflict.Status, conflict.Code));
    }
}

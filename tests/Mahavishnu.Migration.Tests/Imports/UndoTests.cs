using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration.Tests.Imports;

/// <summary>An undo leaves what was there before, what others brought, and what was changed since.</summary>
public sealed class UndoTests(PostgresFixture postgres)
{
    private const string Reflections = "CREATE TABLE reflections (id VARCHAR, content VARCHAR, project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_another_import_brought_as_well_passes_to_that_one()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var one = (await world.ImportAsync(world.Write("one.duckdb", Reflections, "INSERT INTO reflections VALUES ('a', 'shared', 'p', ['x'], NULL, NULL), ('b', 'only one', NULL, NULL, NULL, NULL)"))).ImportId!.Value;
        var two = (await world.ImportAsync(world.Write("two.duckdb", Reflections, "INSERT INTO reflections VALUES ('c', 'shared', 'p', ['y'], NULL, NULL), ('d', 'only two', NULL, NULL, NULL, NULL)"))).ImportId!.Value;

        var first = await world.UndoAsync(one);
        Assert.Equal((1, 1, 0), (first.Removed, first.Passed, first.Kept));
        Assert.Equal(["only two", "shared"], await ContentsAsync(world));
        Assert.Equal(1, await world.Database.ScalarAsync<long>("SELECT count(*) FROM memories WHERE provenance -> 'duplicates' @> '[{\"tags\":[\"y\"]}]'"));

        var second = await world.UndoAsync(two);
        Assert.Equal((2, 0, 0), (second.Removed, second.Passed, second.Kept));
        Assert.Empty(await ContentsAsync(world));
    }

    [Fact]
    public async Task What_was_there_before_stays_without_what_the_import_added_to_it()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        await world.ImportAsync(world.Write("one.duckdb", Reflections, "INSERT INTO reflections VALUES ('a', 'shared', 'p', ['x'], NULL, NULL)"));
        const string Everything = "SELECT to_jsonb(m) - 'words' FROM memories m";
        var before = await world.Database.ScalarAsync<string>(Everything);
        var two = await world.ImportAsync(world.Write("two.duckdb", Reflections, "INSERT INTO reflections VALUES ('b', 'shared', 'q', ['y'], NULL, NULL), ('c', 'shared', 'r', NULL, NULL, NULL)"));
        Assert.Equal(2, await world.Database.ScalarAsync<int>("SELECT jsonb_array_length(provenance -> 'duplicates') FROM memories"));

        await world.UndoAsync(two.ImportId!.Value);

        Assert.Equal(before, await world.Database.ScalarAsync<string>(Everything));
    }

    [Fact]
    public async Task What_was_changed_since_stays_and_is_named_and_what_was_only_deleted_goes()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var import = (await world.ImportAsync(world.Write("one.duckdb", Reflections,
            "INSERT INTO reflections VALUES ('a', 'changed', NULL, NULL, NULL, NULL), ('b', 'deleted', NULL, NULL, NULL, NULL), ('c', 'untouched', NULL, NULL, NULL, NULL)"))).ImportId!.Value;
        var changed = await IdAsync("changed");
        await world.Host.Get<MemoryWriteStore>().UpdateAsync(changed, null, m => new MemoryDraft { Id = m.Id, Type = m.Type, Source = m.Source, Content = m.Content, Title = "Mine", OccurredAt = m.OccurredAt }, Ct);
        await world.Host.Get<MemoryWriteStore>().DeleteAsync(await IdAsync("deleted"), null, Ct);

        var undone = await world.UndoAsync(import);

        Assert.Equal((2, 0, 1), (undone.Removed, undone.Passed, undone.Kept));
        Assert.Equal([changed], undone.KeptMemories);
        Assert.Equal(["changed"], await ContentsAsync(world));

        async Task<Guid> IdAsync(string content) => await world.Database.ScalarAsync<Guid>("SELECT id FROM memories WHERE content = $1", content);
    }

    [Fact]
    public async Task A_graph_goes_but_for_what_another_file_brought()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        string[] tables =
        [
            "CREATE TABLE kg_entities (id VARCHAR, name VARCHAR, entity_type VARCHAR, observations VARCHAR[], properties JSON, created_at TIMESTAMP)",
            "CREATE TABLE kg_relationships (id VARCHAR, from_entity VARCHAR, to_entity VARCHAR, relation_type VARCHAR, properties JSON, created_at TIMESTAMP)",
        ];
        var one = await world.ImportAsync(world.Write("one.duckdb",
            [.. tables, "INSERT INTO kg_entities VALUES ('a', 'Anna', 'person', ['kind'], NULL, NULL), ('b', 'Bela', 'person', NULL, NULL, NULL), ('c', 'Cleo', 'person', NULL, NULL, NULL)",
                "INSERT INTO kg_relationships VALUES ('1', 'a', 'b', 'knows', NULL, NULL), ('2', 'b', 'c', 'knows', NULL, NULL)"]));
        var two = await world.ImportAsync(world.Write("two.duckdb",
            [.. tables, "INSERT INTO kg_entities VALUES ('a', 'Anna', 'person', NULL, NULL, NULL), ('b', 'Bela', 'person', NULL, NULL, NULL)", "INSERT INTO kg_relationships VALUES ('9', 'a', 'b', 'knows', NULL, NULL)"]));
        Assert.Equal((new ImportCounts(1, 0, 1, 0), new ImportCounts(2, 0, 2, 0)), (two.Files[0].Graph!.Edges, two.Files[0].Graph!.Entities));

        await world.UndoAsync(one.ImportId!.Value);
        Assert.Equal([["a"], ["b"]], await world.Database.RowsAsync("SELECT id FROM kg_entities WHERE import_id = $1 ORDER BY id", two.ImportId!.Value));
        Assert.Equal(1, await world.Database.ScalarAsync<long>("SELECT count(*) FROM kg_relationships r JOIN memories m ON m.id = r.memory_id"));

        await world.UndoAsync(two.ImportId!.Value);
        Assert.Equal(0, await world.Database.ScalarAsync<long>("SELECT (SELECT count(*) FROM kg_entities) + (SELECT count(*) FROM kg_relationships) + (SELECT count(*) FROM memories) + (SELECT count(*) FROM import_rows)"));
    }

    [Fact]
    public async Task It_is_refused_while_the_import_runs_and_when_nothing_is_left()
    {
        await using var world = await ImportWorld.StartAsync(postgres);
        var import = (await world.ImportAsync(world.Write("one.duckdb", Reflections, "INSERT INTO reflections VALUES ('a', 'text', NULL, NULL, NULL, NULL)"))).ImportId!.Value;
        await world.Database.ExecuteAsync("UPDATE imports SET status = 'running'");
        await world.Database.ExecuteAsync("UPDATE operations SET state = 'running', claim = id, claimed_until = now() + interval '1 hour'");

        var running = await Assert.ThrowsAsync<ApiException>(() => world.Imports.UndoAsync(import, Ct));
        await world.Database.ExecuteAsync("UPDATE operations SET state = 'completed'");
        await world.UndoAsync(import);
        var twice = await Assert.ThrowsAsync<ApiException>(() => world.Imports.UndoAsync(import, Ct));

        Assert.Equal((409, 409), (running.Status, twice.Status));
    }

    private static async Task<IEnumerable<object?>> ContentsAsync(ImportWorld world) =>
        (await world.Database.RowsAsync("SELECT content FROM memories WHERE deleted_at IS NULL ORDER BY content")).Select(r => r[0]);
}

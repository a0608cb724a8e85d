using System.Runtime.CompilerServices;

namespace Mahavishnu.Migration.Tests.Sources;

/// <summary>What a file holds is told by its tables and columns.</summary>
public sealed class SourceSchemaTests
{
    private const string Columns = "(id VARCHAR PRIMARY KEY, content VARCHAR, embedding FLOAT[4], timestamp TIMESTAMP, metadata JSON)";

    [Fact]
    public async Task Every_generation_in_one_file_is_told_apart_and_the_newest_comes_first()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE knowledge_graph (entity_a VARCHAR, relation VARCHAR, entity_b VARCHAR, metadata VARCHAR)",
            $"CREATE TABLE conversations {Columns}",
            "CREATE TABLE reflections (id VARCHAR, content VARCHAR, project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)",
            $"CREATE TABLE zeta_reflections {Columns}",
            $"CREATE TABLE mahavishnu_global_reflections {Columns}",
            $"CREATE TABLE mahavishnu_global_conversations {Columns}",
            $"CREATE TABLE mahavishnu_project_conversations {Columns}",
            $"CREATE TABLE default_reflections {Columns}",
            $"CREATE TABLE default_conversations {Columns}",
            $"CREATE TABLE reflections_v2 {Columns}",
            $"CREATE TABLE conversations_v2 {Columns}",
            "CREATE SCHEMA vectors",
            "CREATE TABLE vectors.default (id VARCHAR, vector FLOAT[4], metadata JSON)",
            "CREATE TABLE kg_relationships (id VARCHAR, from_entity VARCHAR, to_entity VARCHAR, relation_type VARCHAR)",
            "CREATE TABLE kg_entities (id VARCHAR, name VARCHAR)",
            "CREATE TABLE project_groups (id VARCHAR, name VARCHAR, projects VARCHAR[])");

        await using var file = await world.OpenAsync();

        Assert.Equal(
            [
                ("conversations_v2", "g5"), ("reflections_v2", "g5"),
                ("default_conversations", "g3"), ("default_reflections", "g3"), ("mahavishnu_project_conversations", "g3"),
                ("mahavishnu_global_conversations", "g3"), ("mahavishnu_global_reflections", "g3"), ("zeta_reflections", "g3"),
                ("vectors.default", "g2"), ("conversations", "g4"), ("reflections", "g4"),
                ("kg_entities", "kg"), ("kg_relationships", "kg"), ("knowledge_graph", "seed"), ("project_groups", "g4"),
            ],
            file.Tables.Select(t => (t.Name, t.Generation)));
        Assert.Equal(["g5", "g3", "g2", "g4", "kg", "seed"], file.Generations);
    }

    [Theory]
    [InlineData("g1", "CREATE TABLE reflections (id VARCHAR, content TEXT, embedding FLOAT[384], tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)")]
    [InlineData("g4", "CREATE TABLE reflections (id VARCHAR, content TEXT, embedding FLOAT[384], project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)")]
    [InlineData("seed", "CREATE TABLE reflections (content TEXT, metadata TEXT, created_at TIMESTAMP)")]
    [InlineData("seed", "CREATE TABLE reflections (content TEXT)")]
    [InlineData("seed", "CREATE TABLE reflections (content TEXT, created_at BIGINT)")]
    [InlineData("seed", "CREATE TABLE Reflections (Content TEXT, Metadata TEXT)")]
    public async Task A_table_of_reflections_is_of_the_generation_that_its_columns_say(string generation, string statement)
    {
        using var world = SourceWorld.Make(statement);

        var table = Assert.Single(await world.TablesAsync());

        Assert.Equal((generation, SourceRole.Text, null), (table.Generation, table.Role, table.Reason));
    }

    [Fact]
    public async Task What_is_not_imported_is_listed_with_its_rows_and_a_reason()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE code_graphs (id VARCHAR)", "INSERT INTO code_graphs VALUES ('a'), ('b')",
            "CREATE TABLE conversations (id VARCHAR)",
            "CREATE TABLE knowledge_graph (entity_a VARCHAR)",
            "CREATE TABLE kg_entities (id VARCHAR)",
            "CREATE TABLE kg_relationships (id VARCHAR)",
            "CREATE TABLE reflection_tags (tag VARCHAR)",
            "CREATE TABLE sundry (a INT)",
            "CREATE TABLE team_reflections (id VARCHAR)",
            "CREATE SCHEMA other", "CREATE TABLE other.reflections (content VARCHAR)");

        var tables = await world.TablesAsync();

        Assert.All(tables, t => Assert.Equal(SourceRole.Skipped, t.Role));
        Assert.Equal(2, tables.Single(t => t.Name == "code_graphs").Rows);
        Assert.Equal(["other.reflections", "sundry", "team_reflections"], tables.Where(t => t.Reason == "unknown").Select(t => t.Name).Order(StringComparer.Ordinal));
        Assert.Equal("has no column content", tables.Single(t => t.Name == "conversations").Reason);
        Assert.All(tables, t => Assert.NotEmpty(t.Reason!));
    }

    [Fact]
    public async Task Collections_and_tables_can_be_chosen()
    {
        using var world = SourceWorld.Make(
            $"CREATE TABLE default_reflections {Columns}", $"CREATE TABLE mine_reflections {Columns}", $"CREATE TABLE mine_conversations {Columns}", $"CREATE TABLE conversations {Columns}");

        Assert.Equal(["mine_conversations", "mine_reflections"], await ChosenAsync(SourceWorld.Options with { Collections = ["Mine"] }));
        Assert.Equal(["default_reflections", "conversations"], await ChosenAsync(SourceWorld.Options with { Collections = ["default"] }));
        Assert.Equal(["mine_conversations"], await ChosenAsync(SourceWorld.Options with { Tables = ["MINE_conversations"] }));
        Assert.Empty(await ChosenAsync(SourceWorld.Options with { Tables = ["mine_conversations"], Collections = ["default"] }));

        async Task<IEnumerable<string>> ChosenAsync(SourceOptions options)
        {
            var tables = await world.TablesAsync(options);
            Assert.All(tables.Where(t => t.Role == SourceRole.Skipped), t => Assert.Contains("asked for", t.Reason!, StringComparison.Ordinal));
            return tables.Where(t => t.Role != SourceRole.Skipped).Select(t => t.Name);
        }
    }

    [Fact]
    public async Task A_skipped_table_has_no_rows_to_give()
    {
        using var world = SourceWorld.Make("CREATE TABLE sundry (a INT)", "INSERT INTO sundry VALUES (1)");

        Assert.Empty(await world.RowsAsync("sundry"));
    }

    [Fact]
    public void The_page_about_imports_has_a_line_for_every_table()
    {
        var page = File.ReadAllText(Path.Combine(Here(), "../../../docs/import.md"));

        Assert.All(
            SkippedTables.Names.Concat(["conversations_v2", "reflections_v2", "kg_entities", "kg_relationships", "project_groups", "project_dependencies", "session_links", "reflection_tags", "access_log_v2", "causal_links", "distilled_skills"]),
            name => Assert.Contains($"`{name}`", page, StringComparison.Ordinal));
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}

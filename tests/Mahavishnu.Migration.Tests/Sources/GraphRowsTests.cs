using System.Text.Json;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration.Tests.Sources;

public sealed class GraphRowsTests
{
    private const string Entities = "CREATE TABLE kg_entities (id VARCHAR PRIMARY KEY, name VARCHAR, entity_type VARCHAR, observations VARCHAR[], properties JSON, created_at TIMESTAMP, updated_at TIMESTAMP, metadata JSON, embedding FLOAT[3])";
    private const string Relationships = "CREATE TABLE kg_relationships (id VARCHAR PRIMARY KEY, from_entity VARCHAR, to_entity VARCHAR, relation_type VARCHAR, properties JSON, created_at TIMESTAMP, updated_at TIMESTAMP, metadata JSON)";

    private static readonly string[] Names =
    [
        Entities,
        """
        INSERT INTO kg_entities (id, name, entity_type, observations, properties, created_at, metadata) VALUES
            ('e1', 'FastMCP', 'library', ['fast', NULL, ' as is '], '{"language":"python"}', '2026-02-01 00:00:00', '{"m":1}'),
            ('e2', 'acb', 'project', NULL, NULL, NULL, '{}'), ('e3', 'twin', 'test', [], '{broken', 'infinity', NULL), ('e4', 'twin', 'test', NULL, NULL, NULL, NULL), ('e5', ' ', 'concept', NULL, NULL, NULL, NULL)
        """.Replace("{broken", "{\"n\":1}", StringComparison.Ordinal),
    ];

    [Fact]
    public async Task An_entity_keeps_its_id_and_all_it_says()
    {
        using var world = SourceWorld.Make(Names);

        var rows = await world.RowsAsync("kg_entities");

        var entity = Assert.IsType<EntityRow>(rows[0]).Entity;
        Assert.Equal(("e1", "FastMCP", "library"), (entity.Id, entity.Name, entity.Type));
        Assert.Equal(["fast", " as is "], entity.Observations);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse("""{"language":"python","metadata":{"m":1}}"""), JsonElement.Parse(entity.Properties)), entity.Properties);
        Assert.Equal(new DateTimeOffset(2026, 2, 1, 8, 0, 0, TimeSpan.Zero), entity.CreatedAt);
        Assert.Equal(SourceWorld.ImportedAt, Assert.IsType<EntityRow>(rows[1]).Entity.CreatedAt);
        Assert.Contains("infinity", Assert.IsType<EntityRow>(rows[2]).Entity.Properties, StringComparison.Ordinal);
        Assert.Contains("blank", Assert.IsType<RejectedRow>(rows[4]).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_edge_is_a_relationship_and_a_sentence()
    {
        using var world = SourceWorld.Make([.. Names, Relationships,
            "INSERT INTO kg_relationships VALUES ('k1', 'e2', 'e1', 'depends_on', '{\"similarity\":0.9}', '2026-02-02 00:00:00', NULL, '{\"m\":2}'), ('k2', 'e2', 'e1', 'depends_on', NULL, NULL, NULL, NULL), ('k3', 'e1', 'e2', 'depends_on', NULL, NULL, NULL, NULL)"]);

        var rows = (await world.RowsAsync("kg_relationships")).Cast<EdgeRow>().ToList();

        var (edge, sentence) = (rows[0].Edge, rows[0].Sentence);
        Assert.Equal(("e2", "e1", "depends_on", false), (edge.From, edge.To, edge.Type, rows[0].ByName));
        Assert.Equal(("acb depends_on FastMCP", "insight", "session_buddy_kg", DedupeKeys.ForImportedEdge(MemoryDraft.HashOf("acb depends_on FastMCP"))), (sentence.Content, sentence.Type, sentence.Source, sentence.DedupeKey));
        var metadata = JsonElement.Parse(sentence.Metadata);
        Assert.Equal(
            ("acb", "depends_on", "FastMCP", "e2", "e1", "0.9"),
            (metadata.GetProperty("entity_a").GetString(), metadata.GetProperty("relation").GetString(), metadata.GetProperty("entity_b").GetString(), metadata.GetProperty("from_entity").GetString(), metadata.GetProperty("to_entity").GetString(), metadata.GetProperty("similarity").GetRawText()));
        Assert.Equal((edge.Id, sentence.DedupeKey), (rows[1].Edge.Id, rows[1].Sentence.DedupeKey));
        Assert.NotEqual(edge.Id, rows[2].Edge.Id);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse("""{"similarity":0.9,"metadata":{"m":2},"source_id":"k1"}"""), JsonElement.Parse(edge.Properties)), edge.Properties);
        Assert.Equal([true, false, false], rows.Select(r => r.TimeKnown));
    }

    [Fact]
    public async Task An_end_that_is_a_name_is_led_to_the_one_entity_of_that_name()
    {
        using var world = SourceWorld.Make([.. Names, Relationships,
            """
            INSERT INTO kg_relationships (id, from_entity, to_entity, relation_type) VALUES
                ('1', 'e2', 'FastMCP', 'uses'), ('2', 'FastMCP', 'acb', 'uses'), ('3', 'twin', 'e1', 'uses'), ('4', 'e1', 'nobody', 'uses'), ('5', 'e1', 'e5', 'uses'), ('6', 'e1', NULL, 'uses'), ('7', 'e1', 'e2', ' '), ('8', 'e3', 'e4', 'same_as')
            """]);

        var rows = await world.RowsAsync("kg_relationships");

        Assert.Equal([("e2", "e1", true), ("e1", "e2", true), ("e3", "e4", false)], rows.OfType<EdgeRow>().Select(e => (e.Edge.From, e.Edge.To, e.ByName)));
        Assert.Equal("acb uses FastMCP", ((EdgeRow)rows[0]).Sentence.Content);
        var reasons = rows.OfType<RejectedRow>().Select(r => r.Reason).ToList();
        Assert.Equal(5, reasons.Count);
        Assert.Collection(
            reasons,
            r => Assert.Contains("several", r, StringComparison.Ordinal),
            r => Assert.Contains("nobody", r, StringComparison.Ordinal),
            r => Assert.Contains("e5", r, StringComparison.Ordinal),
            r => Assert.Contains("NULL", r, StringComparison.Ordinal),
            r => Assert.Contains("relation", r, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_plans_own_edges_name_their_entities()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE knowledge_graph (entity_a VARCHAR, relation VARCHAR, entity_b VARCHAR, metadata VARCHAR)",
            "INSERT INTO knowledge_graph VALUES ('a b', 'uses', 'c', '{\"confidence\":\"low\",\"relation\":\"mine\"}'), ('a', 'b uses', 'c', NULL), ('a', 'is', 'a', '[1]'), (NULL, 'uses', 'c', NULL), ('a', ' ', 'c', NULL), ('a', 'uses', '', NULL)");

        var rows = await world.RowsAsync("knowledge_graph");

        var edges = rows.OfType<EdgeRow>().ToList();
        Assert.Equal(["a b uses c", "a b uses c", "a is a"], edges.Select(e => e.Sentence.Content));
        Assert.NotEqual(edges[0].Edge.Id, edges[1].Edge.Id);
        Assert.Equal(["a b", "c"], edges[0].Ends.Select(e => e.Name));
        Assert.Equal((edges[0].Edge.From, edges[0].Edge.To), (edges[0].Ends[0].Id, edges[0].Ends[1].Id));
        Assert.Equal(edges[0].Edge.To, edges[1].Edge.To);
        Assert.Single(edges[2].Ends);
        var metadata = JsonElement.Parse(edges[0].Sentence.Metadata);
        Assert.Equal(("low", "uses"), (metadata.GetProperty("confidence").GetString(), metadata.EnumerateObject().Last(p => p.Name == "relation").Value.GetString()));
        Assert.Equal(SourceWorld.ImportedAt, edges[0].Sentence.OccurredAt);
        Assert.Equal(["entity_a is blank.", "relation is blank.", "entity_b is blank."], rows.OfType<RejectedRow>().Select(r => r.Reason));
    }

    [Fact]
    public async Task A_graph_without_the_later_columns_is_read_too()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE kg_entities (id VARCHAR, name VARCHAR, entity_type VARCHAR)", "INSERT INTO kg_entities VALUES ('a', 'A', NULL), ('b', 'B', 'x')",
            "CREATE TABLE kg_relationships (from_entity VARCHAR, to_entity VARCHAR, relation_type VARCHAR)", "INSERT INTO kg_relationships VALUES ('a', 'b', 'uses')");

        Assert.Equal(["unknown", "x"], (await world.RowsAsync("kg_entities")).Cast<EntityRow>().Select(e => e.Entity.Type));
        Assert.Equal("A uses B", Assert.IsType<EdgeRow>(Assert.Single(await world.RowsAsync("kg_relationships"))).Sentence.Content);
    }
}

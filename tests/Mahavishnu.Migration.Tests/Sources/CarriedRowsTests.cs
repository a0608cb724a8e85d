using System.Text.Json;

namespace Mahavishnu.Migration.Tests.Sources;

public sealed class CarriedRowsTests
{
    [Fact]
    public async Task Groups_keep_their_projects_under_the_names_that_memories_have()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE project_groups (id VARCHAR, name VARCHAR, description TEXT, projects VARCHAR[], created_at TIMESTAMP, metadata JSON)",
            "INSERT INTO project_groups VALUES ('g1', 'web', 'Group of web', ['/p/acb', 'fastblocks', ' '], '2026-04-17 12:00:00', '{\"a\":1}'), ('g2', ' ', NULL, [], NULL, NULL)");

        var rows = await world.RowsAsync("project_groups");

        var group = Assert.IsType<GroupRow>(rows[0]);
        Assert.Equal(("g1", "web", "Group of web", new DateTimeOffset(2026, 4, 17, 19, 0, 0, TimeSpan.Zero)), (group.Id, group.Name, group.Description, group.CreatedAt));
        Assert.Equal(["acb", "fastblocks"], group.Projects);
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse("""{"a":1,"projects":["/p/acb","fastblocks"]}"""), JsonElement.Parse(group.Metadata)), group.Metadata);
        Assert.IsType<RejectedRow>(rows[1]);
    }

    [Fact]
    public async Task Dependencies_of_an_unknown_type_and_on_themselves_are_kept()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE project_dependencies (id VARCHAR, source_project VARCHAR, target_project VARCHAR, dependency_type VARCHAR, description TEXT, created_at TIMESTAMP, metadata JSON)",
            "INSERT INTO project_dependencies VALUES ('1', 'a', '/p/b', 'inspires', NULL, NULL, NULL), ('2', 'a', 'a', 'uses', 'x', 'infinity', '{}'), ('3', 'a', NULL, 'uses', NULL, NULL, NULL)");

        var rows = await world.RowsAsync("project_dependencies");

        Assert.Equal([("a", "b", "inspires", ""), ("a", "a", "uses", "x")], rows.OfType<DependencyRow>().Select(d => (d.Source, d.Target, d.Type, d.Description)));
        Assert.Equal(["""{"target_project":"/p/b"}""", """{"created_at_raw":"infinity"}"""], rows.OfType<DependencyRow>().Select(d => d.Metadata));
        Assert.Contains("blank", Assert.IsType<RejectedRow>(rows[2]).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("id VARCHAR, source_session_id VARCHAR, target_session_id VARCHAR, link_type VARCHAR, context TEXT, created_at TIMESTAMP, metadata JSON", "('1', 's', 't', 'related', 'why', NULL, NULL)", "why")]
    [InlineData("id VARCHAR, source_session_id VARCHAR, target_session_id VARCHAR, link_type VARCHAR, created_at TIMESTAMP, metadata JSON", "('1', 's', 't', 'related', NULL, NULL)", "")]
    public async Task Session_links_are_read_with_and_without_a_context(string columns, string values, string context)
    {
        using var world = SourceWorld.Make($"CREATE TABLE session_links ({columns})", $"INSERT INTO session_links VALUES {values}");

        var link = Assert.IsType<SessionLinkRow>(Assert.Single(await world.RowsAsync("session_links")));

        Assert.Equal(("1", "s", "t", "related", context, "{}"), (link.Id, link.Source, link.Target, link.Type, link.Context, link.Metadata));
    }

    [Fact]
    public async Task Causal_links_keep_their_evidence()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE causal_links (id VARCHAR, from_id VARCHAR, to_id VARCHAR, link_type VARCHAR, evidence REAL, last_evidence_at TIMESTAMP, link_origin VARCHAR, created_at TIMESTAMP, depth INTEGER)",
            "INSERT INTO causal_links VALUES ('1', 'a', 'b', 'led_to', 0.96, '2026-06-11 05:00:00', 'inferred', '2026-06-12 00:00:00', 1), ('2', 'a', 'b', 'led_to', 'nan', NULL, NULL, NULL, 1)");

        var rows = (await world.RowsAsync("causal_links")).Cast<CausalLinkRow>().ToList();

        Assert.Equal(("a", "b", "led_to", 0.96), (rows[0].Cause, rows[0].Effect, rows[0].Type, rows[0].Confidence));
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse("""{"last_evidence_at":"2026-06-11T12:00:00+00:00","link_origin":"inferred","depth":1}"""), JsonElement.Parse(rows[0].Metadata)), rows[0].Metadata);
        Assert.Null(rows[1].Confidence);
    }

    [Fact]
    public async Task Tags_and_looks_are_counted_and_those_of_nobody_are_rejected()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE reflections_v2 (id VARCHAR, content TEXT)", "INSERT INTO reflections_v2 VALUES ('1', 'a')",
            "CREATE TABLE reflection_tags (reflection_id VARCHAR, tag VARCHAR)", "INSERT INTO reflection_tags VALUES ('1', 'a'), ('2', 'b'), (NULL, 'c')");

        var rows = await world.RowsAsync("reflection_tags");

        Assert.IsType<JoinedRow>(rows[0]);
        Assert.Equal(["No text of the file has the id \"2\".", "It names no text."], rows.OfType<RejectedRow>().Select(r => r.Reason));
    }
}

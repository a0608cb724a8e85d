using System.Text.Json;
using Mahavishnu.Storage;

namespace Mahavishnu.Migration.Tests.Sources;

/// <summary>What becomes of a row of each generation.</summary>
public sealed class TextRowsTests
{
    private static JsonElement Metadata(TextRow row) => JsonElement.Parse(row.Draft.Metadata);

    private static string? Text(TextRow row, string key) => Metadata(row).TryGetProperty(key, out var value) ? value.ToString() : null;

    [Fact]
    public async Task A_reflection_of_generation_4_brings_its_tags_its_project_and_its_looks()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE reflections (id VARCHAR PRIMARY KEY, content TEXT, embedding FLOAT[3], project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON, reflection_ulid VARCHAR)",
            "INSERT INTO reflections VALUES ('abc', 'Keep it small', [1,2,3], '/Users/les/Projects/oneiric', ['b', ' a ', NULL, '', 'b'], '2026-02-12 06:18:40.964788', '{\"type\":\"reflection\"}', '01KWZ')",
            "CREATE TABLE reflection_tags (reflection_id VARCHAR, tag VARCHAR)", "INSERT INTO reflection_tags VALUES ('abc', 'c'), ('abc', 'b'), ('gone', 'x')",
            "CREATE TABLE access_log_v2 (reflection_id VARCHAR, access_timestamp TIMESTAMP, access_count INTEGER)", "INSERT INTO access_log_v2 VALUES ('abc', '2026-03-01 00:00:00', 3)");

        var row = await world.TextAsync("reflections");

        var draft = row.Draft;
        Assert.Equal((1, "abc", true), (row.Number, row.SourceId, row.TimeKnown));
        Assert.Equal(("insight", "session_buddy", "Keep it small", "oneiric"), (draft.Type, draft.Source, draft.Content, draft.ProjectId));
        Assert.Equal(["b", "a", "c"], draft.Tags);
        Assert.Equal(DedupeKeys.ForImportedText(MemoryDraft.HashOf("Keep it small")), draft.DedupeKey);
        Assert.Equal(new DateTimeOffset(2026, 2, 12, 14, 18, 40, TimeSpan.Zero).AddTicks(9_647_880), draft.OccurredAt);
        Assert.Equal(
            ("reflection", "reflection", "/Users/les/Projects/oneiric", "3", "abc", "01KWZ"),
            (Text(row, "type"), Text(row, "kind"), Text(row, "project"), Text(row, "access_count"), Text(row, "source_id"), Text(row, "reflection_ulid")));
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero), Metadata(row).GetProperty("last_accessed").GetDateTimeOffset());
        var provenance = JsonElement.Parse(draft.Provenance);
        Assert.Equal(
            ("reflection.duckdb", "reflections", "g4", 1, "abc"),
            (provenance.GetProperty("file").GetString(), provenance.GetProperty("table").GetString(), provenance.GetProperty("generation").GetString(), provenance.GetProperty("row").GetInt64(), provenance.GetProperty("id").GetString()));
        Assert.DoesNotContain("embedding", draft.Metadata, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_conversation_is_an_agents_and_its_project_may_stand_in_its_metadata()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE default_conversations (id VARCHAR PRIMARY KEY, content TEXT, metadata JSON, created_at TIMESTAMP, updated_at TIMESTAMP, embedding FLOAT[3], fingerprint BLOB, subcategory TEXT)",
            "INSERT INTO default_conversations VALUES ('c1', 'We spoke', '{\"project\":\"akosha\",\"quality_score\":57,\"checkpoint_type\":\"manual\"}', '2026-01-05 10:00:00', '2026-01-06 10:00:00', NULL, '\\x00'::BLOB, 'git')");

        var row = await world.TextAsync("default_conversations");

        Assert.Equal(("agent", "akosha"), (row.Draft.Type, row.Draft.ProjectId));
        Assert.Equal(("conversation", "57", "manual", "git", "akosha"), (Text(row, "kind"), Text(row, "quality_score"), Text(row, "checkpoint_type"), Text(row, "subcategory"), Text(row, "project")));
        Assert.Equal(new DateTimeOffset(2026, 1, 5, 18, 0, 0, TimeSpan.Zero), row.Draft.OccurredAt);
        Assert.Equal(new DateTimeOffset(2026, 1, 6, 18, 0, 0, TimeSpan.Zero), Metadata(row).GetProperty("updated_at").GetDateTimeOffset());
        Assert.Null(Text(row, "fingerprint"));
    }

    [Fact]
    public async Task An_insight_is_told_from_a_reflection_that_got_the_columns_default()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE default_reflections (id VARCHAR, conversation_id VARCHAR, content TEXT, tags VARCHAR[], metadata JSON, created_at TIMESTAMP, insight_type VARCHAR, usage_count INTEGER, last_used_at TIMESTAMP, confidence_score REAL)",
            """
            INSERT INTO default_reflections VALUES
                ('1', NULL, 'plain', NULL, NULL, NULL, NULL, 0, NULL, 0.5),
                ('2', 'c9', 'older than the column', NULL, '{}', NULL, 'general', 0, NULL, 0.5),
                ('3', NULL, 'an insight', NULL, '{"quality_score":0.9}', NULL, 'general', 4, '2026-01-01 00:00:00', 0.7),
                ('4', NULL, 'a trap', NULL, NULL, NULL, 'gotcha', 1, NULL, 0.25)
            """);

        var rows = (await world.RowsAsync("default_reflections")).Cast<TextRow>().ToList();

        Assert.Equal(["reflection", "reflection", "insight", "insight"], rows.Select(r => Text(r, "kind")));
        Assert.Equal([null, "general", "general", "gotcha"], rows.Select(r => Text(r, "insight_type")));
        Assert.Equal(["0.5", "0.5", "0.7", "0.25"], rows.Select(r => Text(r, "confidence_score")));
        Assert.Equal([null, "c9", null, null], rows.Select(r => Text(r, "conversation_id")));
        Assert.All(rows, r => Assert.Equal(JsonValueKind.Number, Metadata(r).GetProperty("usage_count").ValueKind));
    }

    [Fact]
    public async Task A_row_of_the_second_version_gets_back_what_its_copying_lost()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE reflections (id VARCHAR PRIMARY KEY, content TEXT, project VARCHAR, tags VARCHAR[], timestamp TIMESTAMP, metadata JSON)",
            "INSERT INTO reflections VALUES ('r1', 'text', 'acb', ['t'], '2026-02-01 00:00:00', '{\"a\":1}')",
            """
            CREATE TABLE reflections_v2 (id TEXT PRIMARY KEY, content TEXT, embedding FLOAT[3], category TEXT, importance_score REAL, memory_tier TEXT, tags TEXT[], related_entities TEXT[], timestamp TIMESTAMP,
                project TEXT, namespace TEXT, access_count INTEGER, last_accessed TIMESTAMP, created_at TIMESTAMP, metadata JSON)
            """,
            "INSERT INTO reflections_v2 VALUES ('r1', 'text', NULL, 'context', 0.5, 'long_term', NULL, ['x','y'], NULL, NULL, 'default', 2, NULL, '2026-06-08 00:00:00', NULL), ('r2', 'new', NULL, 'rules', 0.9, 'working', ['z'], NULL, NULL, 'p', 'default', 0, NULL, '2026-06-09 00:00:00', NULL)");

        var rows = (await world.RowsAsync("reflections_v2")).Cast<TextRow>().ToList();

        Assert.Equal(("acb", "t", "1", "context", "long_term"), (rows[0].Draft.ProjectId, Assert.Single(rows[0].Draft.Tags), Text(rows[0], "a"), Text(rows[0], "category"), Text(rows[0], "memory_tier")));
        Assert.Equal(["x", "y"], Metadata(rows[0]).GetProperty("related_entities").EnumerateArray().Select(e => e.GetString()));
        Assert.Equal(new DateTimeOffset(2026, 2, 1, 8, 0, 0, TimeSpan.Zero), rows[0].Draft.OccurredAt);
        // Nothing else knows the second one's time.
        Assert.Equal((new DateTimeOffset(2026, 6, 9, 7, 0, 0, TimeSpan.Zero), "created_at"), (rows[1].Draft.OccurredAt, Text(rows[1], "occurredAtFrom")));
    }

    [Fact]
    public async Task A_turn_of_the_second_version_keeps_its_session_and_what_it_is_searched_by_where_that_differs()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE conversations_v2 (id TEXT, content TEXT, category TEXT, timestamp TIMESTAMP, session_id TEXT, searchable_content TEXT, reasoning TEXT, metadata VARCHAR, source_type TEXT, turn_parent_id TEXT)",
            "INSERT INTO conversations_v2 VALUES ('1', 'same', 'facts', '2026-07-01 00:00:00', 's-1', 'same', 'because', '{\"cut\": \"off', 'claude_code', 'p1'), ('2', 'one', 'facts', '2026-07-01 00:00:00', NULL, 'other', '', '{\"session_id\":\"s-2\"}', NULL, NULL)");

        var rows = (await world.RowsAsync("conversations_v2")).Cast<TextRow>().ToList();

        Assert.Equal(["s-1", "s-2"], rows.Select(r => r.Draft.SessionId));
        Assert.Equal([null, "other"], rows.Select(r => Text(r, "searchable_content")));
        Assert.Equal(("because", "claude_code", "p1", "{\"cut\": \"off"), (Text(rows[0], "reasoning"), Text(rows[0], "source_type"), Text(rows[0], "turn_parent_id"), Text(rows[0], "metadata_raw")));
    }

    [Fact]
    public async Task Documents_of_generation_2_say_everything_in_their_metadata()
    {
        using var world = SourceWorld.Make(
            "CREATE SCHEMA vectors", "CREATE TABLE vectors.default (id VARCHAR, vector FLOAT[3], metadata JSON)",
            """
            INSERT INTO vectors.default VALUES
                ('1', [0,0,0], '{"id":"1","content":"We spoke","project":"/p/acb","timestamp":"2025-11-30T12:00:00.5+00:00","metadata":"{\"is_manual\":true,\"project\":\"/p/acb\"}","type":"conversation"}'),
                ('2', [0,0,0], '{"id":"2","content":"Learned","tags":["a","b"],"timestamp":"2025-11-30T12:00:00+01:00","type":"reflection","extra":{"x":[1]}}'),
                ('3', [0,0,0], '{"id":"3","content":" ","type":"reflection"}'),
                ('4', [0,0,0], '{"id":"4","type":"reflection"}'),
                ('5', [0,0,0], NULL),
                ('6', [0,0,0], '{"id":"6","content":"broken inside","metadata":"{oops","type":"conversation"}')
            """);

        var rows = await world.RowsAsync("vectors.default");

        var spoke = Assert.IsType<TextRow>(rows[0]);
        Assert.Equal(("agent", "acb", "true", "/p/acb"), (spoke.Draft.Type, spoke.Draft.ProjectId, Text(spoke, "is_manual")?.ToLowerInvariant(), Text(spoke, "project")));
        Assert.Equal(new DateTimeOffset(2025, 11, 30, 12, 0, 0, 500, TimeSpan.Zero), spoke.Draft.OccurredAt);
        var learned = Assert.IsType<TextRow>(rows[1]);
        Assert.Equal(("insight", "{\"x\":[1]}"), (learned.Draft.Type, Text(learned, "extra")));
        Assert.Equal(["a", "b"], learned.Draft.Tags);
        Assert.Equal(new DateTimeOffset(2025, 11, 30, 11, 0, 0, TimeSpan.Zero), learned.Draft.OccurredAt);
        Assert.All(rows.Skip(2).Take(3), r => Assert.IsType<RejectedRow>(r));
        var broken = Assert.IsType<TextRow>(rows[5]);
        Assert.Equal(("{oops", false), (Text(broken, "metadata_raw"), broken.TimeKnown));
    }

    [Fact]
    public async Task Only_NULL_and_blank_texts_are_rejected_and_with_the_whole_row()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE reflections (content TEXT, metadata TEXT, created_at TIMESTAMP)",
            "INSERT INTO reflections VALUES (NULL, '{\"a\":1}', '2025-05-01 10:00:00'), (' ' || chr(10) || chr(160), NULL, 'infinity'), (chr(0), NULL, NULL), ('x' || chr(0), 'null', NULL)");

        var rows = await world.RowsAsync("reflections");

        Assert.Equal(3, rows.OfType<RejectedRow>().Count());
        var raw = JsonElement.Parse(((RejectedRow)rows[0]).RawJson);
        Assert.Equal((JsonValueKind.Null, "{\"a\":1}", "2025-05-01T10:00:00.000000"), (raw.GetProperty("content").ValueKind, raw.GetProperty("metadata").GetString(), raw.GetProperty("created_at").GetString()));
        Assert.Equal("infinity", JsonElement.Parse(((RejectedRow)rows[1]).RawJson).GetProperty("created_at").GetString());
        Assert.Equal("x", Assert.IsType<TextRow>(rows[3]).Draft.Content);
    }

    [Fact]
    public async Task A_time_that_is_none_gives_the_imports_and_says_so()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE reflections (content TEXT, created_at TIMESTAMP)",
            "INSERT INTO reflections VALUES ('a', 'infinity'), ('b', '-infinity'), ('c', NULL), ('d', '290000-01-01 00:00:00'), ('e', '0044-03-15 (BC) 00:00:00'), ('f', '2025-03-09 02:30:00')");

        var rows = (await world.RowsAsync("reflections")).Cast<TextRow>().ToList();

        Assert.Equal(["infinity", "-infinity", null, "290000-01-01 00:00:00", "0044-03-15 (BC) 00:00:00", null], rows.Select(r => Text(r, "occurredAtRaw")));
        Assert.All(rows[..5], r => Assert.Equal((SourceWorld.ImportedAt, false, true), (r.Draft.OccurredAt, r.TimeKnown, Metadata(r).GetProperty("occurredAtUnknown").GetBoolean())));
        Assert.Equal((new DateTimeOffset(2025, 3, 9, 10, 30, 0, TimeSpan.Zero), true, null), (rows[5].Draft.OccurredAt, rows[5].TimeKnown, Text(rows[5], "occurredAtUnknown")));
    }

    [Theory]
    [InlineData("TIMESTAMP", "'2026-01-01 00:00:00.25'", "2026-01-01T08:00:00.2500000Z")]
    [InlineData("TIMESTAMP_S", "'2026-01-01 00:00:00'", "2026-01-01T08:00:00.0000000Z")]
    [InlineData("TIMESTAMP_MS", "'2026-01-01 00:00:00.25'", "2026-01-01T08:00:00.2500000Z")]
    [InlineData("TIMESTAMP_NS", "'2026-01-01 00:00:00.25'", "2026-01-01T08:00:00.2500000Z")]
    [InlineData("TIMESTAMP_NS", "'infinity'", null)]
    [InlineData("TIMESTAMPTZ", "'2026-01-01 00:00:00.25+02'", "2025-12-31T22:00:00.2500000Z")]
    [InlineData("TIMESTAMPTZ", "'infinity'", null)]
    [InlineData("DATE", "'2026-01-01'", "2026-01-01T08:00:00.0000000Z")]
    [InlineData("DATE", "'infinity'", null)]
    [InlineData("VARCHAR", "'2026-01-01T00:00:00.25'", "2026-01-01T08:00:00.2500000Z")]
    [InlineData("VARCHAR", "'2026-01-01 00:00:00.25+00:00'", "2026-01-01T00:00:00.2500000Z")]
    [InlineData("VARCHAR", "'2026-01-01T00:00:00Z'", "2026-01-01T00:00:00.0000000Z")]
    [InlineData("VARCHAR", "'yesterday'", null)]
    [InlineData("BIGINT", "1767225600", "2026-01-01T00:00:00.0000000Z")]
    [InlineData("BIGINT", "1767225600250", "2026-01-01T00:00:00.2500000Z")]
    [InlineData("DOUBLE", "1767225600.25", "2026-01-01T00:00:00.2500000Z")]
    [InlineData("DOUBLE", "'nan'", null)]
    public async Task A_time_may_be_typed_otherwise(string type, string value, string? utc)
    {
        using var world = SourceWorld.Make($"CREATE TABLE reflections (content TEXT, created_at {type})", $"INSERT INTO reflections VALUES ('a', {value})");

        var row = await world.TextAsync("reflections");

        Assert.Equal(utc, row.TimeKnown ? row.Draft.OccurredAt.UtcDateTime.ToString("O") : null);
    }

    [Fact]
    public async Task Columns_may_be_typed_otherwise_and_missing()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE reflections (id INTEGER, content VARCHAR, tags VARCHAR, timestamp VARCHAR, metadata VARCHAR, project VARCHAR, seen BOOLEAN, price DECIMAL(8,2), shape STRUCT(a INT), big HUGEINT, odd DOUBLE)",
            "INSERT INTO reflections VALUES (7, 'a', '[\"x\",\"y\"]', NULL, '\"{\\\"k\\\":1}\"', ' ', true, 1.50, {'a': 1}, 170141183460469231731687303715884105727, 'inf'), (8, 'b', 'x, y', NULL, '[1]', NULL, NULL, NULL, NULL, NULL, NULL)");

        var rows = (await world.RowsAsync("reflections")).Cast<TextRow>().ToList();

        Assert.All(rows, r => Assert.Equal(["x", "y"], r.Draft.Tags));
        Assert.Equal(["7", "8"], rows.Select(r => r.SourceId));
        Assert.Equal(("1", "1.50", "inf"), (Text(rows[0], "k"), Text(rows[0], "price"), Text(rows[0], "odd")));
        Assert.Equal((JsonValueKind.True, JsonValueKind.Number), (Metadata(rows[0]).GetProperty("seen").ValueKind, Metadata(rows[0]).GetProperty("big").ValueKind));
        Assert.Equal("[1]", Text(rows[1], "metadata_raw"));
        Assert.Null(rows[0].Draft.ProjectId);
    }

    [Fact]
    public async Task What_an_index_could_not_hold_stays_in_the_metadata()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE reflections (content TEXT, project TEXT, tags VARCHAR[], timestamp TIMESTAMP)",
            "INSERT INTO reflections VALUES ('a', repeat('p', 600), list_concat([repeat('t', 300)], list_transform(range(150), x -> 'tag' || x)), NULL)");

        var row = await world.TextAsync("reflections");

        Assert.Null(row.Draft.ProjectId);
        Assert.Equal((new string('p', 600), 100, 151), (Text(row, "project"), row.Draft.Tags.Count, Metadata(row).GetProperty("all_tags").GetArrayLength()));
    }

    [Fact]
    public async Task A_skill_is_an_insight_of_its_parts()
    {
        using var world = SourceWorld.Make(
            "CREATE TABLE distilled_skills (id VARCHAR, problem_pattern TEXT, suggested_approach TEXT, because TEXT, evidence_count INTEGER, source_memory_ids VARCHAR, importance_score REAL, model TEXT, created_at TIMESTAMP, last_reinforced_at TIMESTAMP)",
            "INSERT INTO distilled_skills VALUES ('k', 'locks', 'copy first', 'it is open', 3, '[\"m1\",\"m2\"]', 0.8, 'heuristic-v1', '2026-07-01 00:00:00', NULL), ('n', NULL, ' ', NULL, 0, NULL, 0.7, NULL, NULL, NULL)");

        var rows = await world.RowsAsync("distilled_skills");

        var skill = Assert.IsType<TextRow>(rows[0]);
        Assert.Equal(("insight", "Problem: locks\nApproach: copy first\nBecause: it is open", "skill", "3", "0.8"), (skill.Draft.Type, skill.Draft.Content, Text(skill, "kind"), Text(skill, "evidence_count"), Text(skill, "importance_score")));
        Assert.Equal(["m1", "m2"], Metadata(skill).GetProperty("source_memory_ids").EnumerateArray().Select(e => e.GetString()));
        Assert.IsType<RejectedRow>(rows[1]);
    }
}

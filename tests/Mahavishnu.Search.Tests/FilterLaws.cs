using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Npgsql;

namespace Mahavishnu.Search.Tests;

public sealed class FilterLawsFixture(PostgresFixture postgres) : IAsyncLifetime
{
    internal SearchWorld World { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        World = await SearchWorld.StartAsync(postgres);
        await World.RememberAsync([
            SearchWorld.Draft("apple one") with { ProjectId = "p", Tags = ["red"], Metadata = """{"a":1,"b":{"c":"x"},"d":[1,"x",true]}""" },
            SearchWorld.Draft("apple two") with { Metadata = """{"a":"1","b":"c","d":null}""" }]);
    }

    public ValueTask DisposeAsync() => World.DisposeAsync();
}

/// <summary>What holds for every filter anybody can think of, sense or nonsense.</summary>
public sealed partial class FilterLaws(FilterLawsFixture fixture) : IClassFixture<FilterLawsFixture>
{
    // The same ones every time: a build fails for what was changed, not for its luck.
    internal static readonly Rnd Seed = new(20_260_131UL, 4_711UL);

    internal static readonly string[] Strings =
    [
        "apple", "p", "red", "1", "", " ", "'", "''; DROP TABLE memories; --", "\\", "\"", "%", "%s{0}{{1}}", "$1", "$99", "{}", "{a,b}", "\0", "é😀", "null", "2026-01-31", "2026-01-31T12:00:00Z",
        "0001-01-01", "9999-12-31T23:59:59.9999999Z", "0198c0de-0000-7000-8000-000000000000", "eq", "type", "metadata", "metadata.a", "metadata.b.c", "metadata.d", "metadata.'", "metadata.a\"}'", "metadata.{}",
        "metadata.0", "metadata.\0",
    ];

    private static readonly string[] Numbers = ["0", "-0", "1", "1.0", "1e3", "-1.5e-7", "1e308", "1e309", "1e-400", "9007199254740993", "0.1", "99999999999999999999999999999999"];

    [Fact]
    public async Task No_filter_is_an_error_of_the_server()
    {
        foreach (var filter in Filters().Sample(400, Seed, 12))
        {
            var body = new JsonObject { ["query"] = "apple", ["filter"] = JsonNode.Parse(filter) }.ToJsonString();

            var (status, answer) = await fixture.World.PostAsync(body);

            Assert.True(status is HttpStatusCode.OK or HttpStatusCode.BadRequest, $"{filter} → {answer.ToJsonString()}");
            Assert.True(status == HttpStatusCode.OK || answer["errors"]!.AsObject().All(e => e.Key.StartsWith("filter", StringComparison.Ordinal)), answer.ToJsonString());
        }

        Assert.Equal(2, (await fixture.World.SearchAsync("apple")).Hits.Count);
    }

    [Fact]
    public void Nothing_that_was_said_gets_into_the_statement()
    {
        var understood = 0;
        foreach (var json in Filters().Sample(3_000, Seed, 12))
        {
            var errors = new List<string>();
            if (new FilterParser((path, _) => errors.Add(path)).Parse(JsonElement.Parse(json), "filter") is not { } filter)
            {
                Assert.NotEmpty(errors);
                continue;
            }

            understood++;
            var command = new NpgsqlBatchCommand();
            var sql = FilterStore.Sql(filter, new Parameters(command.Parameters));

            // All that is left of the text, without the words this language is made of, is punctuation and parameter numbers.
            Assert.Matches("^[^A-Za-z\"\\\\;]*$", Words().Replace(sql, ""));
            Assert.DoesNotContain("--", sql, StringComparison.Ordinal);
            Assert.Equal(
                Enumerable.Range(1, command.Parameters.Count),
                Parameter().Matches(sql).Select(m => int.Parse(m.Value.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture)).Distinct().Order());
        }

        Assert.InRange(understood, 300, 3_000);
    }

    internal static Gen<string> Filters() => Gen.Sized(size => Tree(Math.Min(size, 4)));

    private static Gen<string> Tree(int depth)
    {
        var condition =
            from field in Gen.Elements([.. FilterField.Known.Keys, .. Strings])
            from operation in Gen.Elements("eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "exists", "like", "")
            from value in Value(2)
            select $$"""{"field":{{JsonSerializer.Serialize(field)}},"op":"{{operation}}","value":{{value}}}""";
        // Mostly sense: a known field with a value of its kind.
        var sensible =
            from field in Gen.Elements("type", "title", "content", "projectId", "metadata.a", "metadata.b.c", "metadata.d", "metadata.'\\\"; --")
            from operation in Gen.Elements("eq", "ne", "lt", "lte", "gt", "gte", "contains")
            from text in Gen.Elements(Strings)
            select $$"""{"field":"{{field}}","op":"{{operation}}","value":{{JsonSerializer.Serialize(text)}}}""";
        if (depth == 0)
        {
            return Gen.OneOf(condition, sensible);
        }

        var list = Gen.ListOf(Tree(depth - 1), 2).Select(parts => string.Join(',', parts));
        return Gen.Frequency(
            (3, sensible), (2, condition),
            (1, list.Select(l => $$"""{"and":[{{l}}]}""")), (1, list.Select(l => $$"""{"or":[{{l}}]}""")), (1, Tree(depth - 1).Select(t => $$"""{"not":{{t}}}""")));
    }

    private static Gen<string> Value(int depth)
    {
        var scalar = Gen.Frequency(
            (4, Gen.Elements(Strings).Select(s => JsonSerializer.Serialize(s))), (2, Gen.Elements(Numbers)), (1, Gen.Elements("true", "false", "null", "{}")));
        return depth == 0 ? scalar : Gen.Frequency((3, scalar), (1, Gen.ListOf(Value(depth - 1), 2).Select(v => $"[{string.Join(',', v)}]")));
    }

    [GeneratedRegex("""
        \b(m\.(id|memory_type|source_system|title|content|tags|project_id|agent_id|workflow_id|repo_id|session_id|occurred_at|created_at|updated_at|expires_at|superseded_by|metadata)
        |AND|OR|IS|NOT|TRUE|NULL|ANY|COLLATE|CASE|WHEN|THEN|END|strpos|coalesce|jsonb_typeof|numeric)\b|"C"|'(array|string|number|null|\{\})'
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Words();

    [GeneratedRegex(@"\$\d+", RegexOptions.None, 1000)]
    private static partial Regex Parameter();
}

using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Migration.Tests.Sources;

/// <summary>Nothing that the source said is lost, and whatever it said jsonb takes.</summary>
public sealed class SourceMetadataTests(PostgresFixture postgres)
{
    private static JsonElement Build(string? raw) => JsonElement.Parse(new SourceMetadata(raw).Build().Metadata);

    [Theory]
    [InlineData("{\"python\": True}")]
    [InlineData("{'a': 1}")]
    [InlineData("{\"cut\": \"off")]
    [InlineData("not json at all")]
    [InlineData("")]
    [InlineData("[1,2]")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("3")]
    [InlineData("{\"n\": 1e400}")]
    [InlineData("{\"n\": 1e-100000}")]
    [InlineData("{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{}}}}}}}}}")]
    [InlineData("{\"a\": NaN")]
    public void What_is_no_object_that_can_be_stored_is_kept_as_text(string raw)
    {
        var metadata = Build(raw);

        Assert.Equal((1, raw), (metadata.EnumerateObject().Count(), metadata.GetProperty("metadata_raw").GetString()));
    }

    [Theory]
    [InlineData("{\"a\":1,\"b\":[true,null,\"x\"]}")]
    [InlineData("\"{\\\"a\\\":1,\\\"b\\\":[true,null,\\\"x\\\"]}\"")]
    [InlineData(" {\"a\":1,\"b\":[true,null,\"x\"]}\n")]
    public void An_object_keeps_its_keys_even_if_it_was_encoded_twice(string raw)
    {
        var metadata = new SourceMetadata(raw).Add("c", "y").Build().Metadata;

        Assert.True(JsonElement.DeepEquals(JsonElement.Parse("""{"a":1,"b":[true,null,"x"],"c":"y"}"""), JsonElement.Parse(metadata)), metadata);
    }

    [Fact]
    public void Numbers_that_JSON_has_not_become_null_and_stand_in_the_raw_text()
    {
        const string Raw = """{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \" Infinity"}""";

        var metadata = Build(Raw);

        Assert.Equal((JsonValueKind.Null, "NaN \" Infinity", Raw), (metadata.GetProperty("a").ValueKind, metadata.GetProperty("c").GetString(), metadata.GetProperty("metadata_raw").GetString()));
        Assert.All(metadata.GetProperty("b").EnumerateArray(), b => Assert.Equal(JsonValueKind.Null, b.ValueKind));
    }

    [Fact]
    public async Task Of_two_values_for_a_key_the_columns_wins_and_the_other_is_kept()
    {
        var database = await postgres.ReadOnlyDatabaseAsync();
        var metadata = new SourceMetadata("""{"category":"mine","tier":"same","gone":null}""").Add("category", "theirs").Add("tier", "same").Add("gone", "here").Add("none", null).Build().Metadata;

        Assert.True(await database.ScalarAsync<bool>(
            "SELECT $1::text::jsonb = $2::text::jsonb", metadata, """{"category":"theirs","tier":"same","gone":"here","source_metadata":{"category":"mine"}}"""), metadata);
    }

    [Fact]
    public void What_is_too_big_goes_into_the_provenance()
    {
        var huge = new string('x', MemoryLimits.MetadataBytes);

        var (own, keptOwn) = new SourceMetadata($$"""{"text":"{{huge}}"}""").Add("a", 1.ToString(System.Globalization.CultureInfo.InvariantCulture)).Build();
        var (added, keptAdded) = new SourceMetadata("""{"b":2}""").Add("reasoning", huge).Build();
        var (raw, keptRaw) = new SourceMetadata("{" + huge).Build();

        Assert.Equal("""{"a":"1","kept_in_provenance":["metadata"]}""", own);
        Assert.Equal("metadata", Assert.Single(keptOwn).Key);
        Assert.Equal("""{"b":2,"kept_in_provenance":["reasoning"]}""", added);
        Assert.Equal(("reasoning", huge), Assert.Single(keptAdded));
        Assert.Equal("""{"kept_in_provenance":["metadata_raw"]}""", raw);
        Assert.Equal(("metadata_raw", "{" + huge), Assert.Single(keptRaw));
    }

    [Fact]
    public async Task Whatever_a_column_holds_jsonb_takes_it()
    {
        var database = await postgres.ReadOnlyDatabaseAsync();
        using var world = SourceWorld.Make(
            "CREATE TABLE reflections (content TEXT, metadata TEXT, odd DOUBLE, \"a\"\"b\" TEXT, tags VARCHAR[], timestamp TIMESTAMP, project TEXT)",
            """
            INSERT INTO reflections VALUES
                ('1', '{"a":"\u0000x\ud83d"}', 'nan', 'q"' || chr(0), ['t' || chr(0)], NULL, 'p' || chr(0) || '/x'),
                ('2', '{"a\u0000":1,"\udc00":{"b":"\\u0000"}}', 1e300, '\', NULL, NULL, NULL),
                ('3', 'a' || chr(0) || '\ud83d', '-inf', NULL, NULL, 'infinity', NULL),
                (NULL, '"\ud83d', 'nan', 'x' || chr(0), ['a' || chr(0)], '-infinity', NULL)
            """);

        foreach (var row in await world.RowsAsync("reflections"))
        {
            foreach (var json in row is TextRow text ? [text.Draft.Metadata, text.Draft.Provenance] : new[] { ((RejectedRow)row).RawJson })
            {
                Assert.Equal("object", await database.ScalarAsync<string>("SELECT jsonb_typeof($1::text::jsonb)", json));
            }
        }
    }
}

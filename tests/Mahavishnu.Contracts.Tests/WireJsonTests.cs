using System.Text.Json;

namespace Mahavishnu.Contracts.Tests;

public sealed class WireJsonTests
{
    [Theory]
    [InlineData("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z")]
    [InlineData("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z")]
    [InlineData("2026-01-31T12:00:00.1234567Z", "2026-01-31T12:00:00.123456Z")]
    [InlineData("2026-01-31", "2026-01-31T00:00:00Z")]
    [InlineData("2026-01-31T12:00:00", "2026-01-31T12:00:00Z")] // no offset: UTC, wherever the server stands
    public void Times_are_read_and_written_in_utc(string said, string kept)
    {
        var time = JsonSerializer.Deserialize<DateTimeOffset>($"\"{said}\"", WireJson.Strict);

        Assert.Equal($"\"{kept}\"", JsonSerializer.Serialize(time, WireJson.Strict));
    }

    [Theory]
    [InlineData("\"1/2/2026\"")]
    [InlineData("\"yesterday\"")]
    [InlineData("\"\"")]
    [InlineData("1769860800")]
    [InlineData("\"2026-13-01T00:00:00Z\"")]
    public void What_is_no_iso_time_is_refused(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<DateTimeOffset>(json, WireJson.Strict));

    [Fact]
    public void A_server_refuses_a_property_it_does_not_know_and_a_client_passes_over_it()
    {
        const string Json = """{"query":"x","colour":"red"}""";

        Assert.Contains("colour", Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<SearchRequest>(Json, WireJson.Strict)).Message, StringComparison.Ordinal);
        Assert.Equal("x", JsonSerializer.Deserialize<SearchRequest>(Json, WireJson.Lenient)!.Query);
    }

    [Fact]
    public void A_server_refuses_a_property_that_comes_twice() =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<SearchRequest>("""{"query":"x","query":"y"}""", WireJson.Strict));

    [Fact]
    public void A_memory_comes_back_from_the_wire_as_it_went()
    {
        var memory = new Memory
        {
            Id = Guid.CreateVersion7(),
            Type = MemoryTypes.Insight,
            Source = "notes",
            Content = "<T> & \"Ünïcode\" 🦆",
            Tags = ["a", "b"],
            Metadata = JsonElement.Parse("""{"a":{"b":[1,2.5,null]}}"""),
            OccurredAt = new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero),
            Version = 3,
            Embedding = EmbeddingStates.Pending,
        };

        var json = JsonSerializer.Serialize(memory, WireJson.Strict);
        var back = JsonSerializer.Deserialize<Memory>(json, WireJson.Strict)!;

        Assert.Contains("<T> &", json, StringComparison.Ordinal);
        Assert.DoesNotContain("deletedAt", json, StringComparison.Ordinal);
        Assert.Contains("\"projectId\":null", json, StringComparison.Ordinal);
        Assert.True(JsonElement.DeepEquals(memory.Metadata, back.Metadata));
        Assert.Equal(memory.Tags, back.Tags);
        Assert.Equal(memory with { Metadata = default, Tags = [] }, back with { Metadata = default, Tags = [] });
    }

    [Theory]
    [InlineData(OperationStates.Queued, false)]
    [InlineData(OperationStates.Running, false)]
    [InlineData(OperationStates.Completed, true)]
    [InlineData(OperationStates.Failed, true)]
    [InlineData(OperationStates.Cancelled, true)]
    public void An_operation_is_over_when_nothing_more_will_happen_to_it(string state, bool over) =>
        Assert.Equal(over, OperationStates.IsFinal(state));
}

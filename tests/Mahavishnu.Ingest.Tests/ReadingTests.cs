using System.Text;
using System.Text.Json;
using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Bytes from the wire, before they mean anything.</summary>
public sealed class ReadingTests
{
    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"b"}""")]
    [InlineData("""["\ud83d\ude00"]""", """["\ud83d\ude00"]""")]
    [InlineData("""["\ud83d"]""", """["\ufffd"]""")]
    [InlineData("""["\uDE00"]""", """["\ufffd"]""")]
    [InlineData("""["\ud83d\ud83d\ude00x"]""", """["\ufffd\ud83d\ude00x"]""")]
    [InlineData("""["\ud83d\\ude00"]""", """["\ufffd\\ude00"]""")]
    [InlineData("""["\\ud83d"]""", """["\\ud83d"]""")]
    [InlineData("""["\\\ud83d"]""", """["\\\ufffd"]""")]
    [InlineData("""["\u0000\u00e4\n"]""", """["\u0000\u00e4\n"]""")]
    [InlineData("""["\ud83d""", """["\ufffd""")]
    [InlineData("""["\ud8""", """["\ud8""")]
    [InlineData("\uFEFF[]", "[]")]
    public void Halves_of_characters_are_mended_in_place_and_nothing_else_is_touched(string json, string clean) =>
        Assert.Equal(clean, Encoding.UTF8.GetString(WireText.Clean(Encoding.UTF8.GetBytes(json)).Span));

    [Theory]
    [InlineData("", 10)]
    [InlineData("a", 10, "a")]
    [InlineData("a\n", 10, "a")]
    [InlineData("a\n\n  \r\nb", 10, "a", "b")]
    [InlineData("0123456789\nb", 10, "0123456789", "b")]
    [InlineData("0123456789a\nb", 10, null, "b")]
    [InlineData("b\n0123456789a", 10, "b", null)]
    [InlineData("0123456789012345678901234567890123456789\nb\n0123456789012345678901\nc", 10, null, "b", null, "c")]
    public async Task Lines_are_read_whole_however_they_arrive(string text, int longest, params string?[] lines)
    {
        foreach (var portion in (int[])[1, 2, 3, 7, 1_000])
        {
            var read = new List<string?>();
            await foreach (var line in LineReader.ReadAsync(new Dripping(Encoding.UTF8.GetBytes(text), portion), longest, TestContext.Current.CancellationToken))
            {
                read.Add(line is { } bytes ? Encoding.UTF8.GetString(bytes.Span) : null);
            }

            Assert.Equal(lines, read);
        }
    }

    [Fact]
    public void A_batch_is_taken_apart_without_reading_its_items()
    {
        var json = Encoding.UTF8.GetBytes("""{ "mode" : "upsert", "memories" : [ {"a":[{}],"a":2} , 5,"x" , null, [[[]]] ] }""");

        var (envelope, problem) = BatchEnvelope.Read(json);

        Assert.Null(problem);
        Assert.Equal("upsert", envelope!.Mode);
        Assert.Equal(["""{"a":[{}],"a":2}""", "5", "\"x\"", "null", "[[[]]]"], envelope.Items.Select(i => Encoding.UTF8.GetString(json.AsSpan(i))));
        Assert.ThrowsAny<JsonException>(() => BatchEnvelope.Read("""{"memories":[}"""u8));
    }

    [Fact]
    public void A_cursor_is_read_by_the_listing_that_wrote_it_only()
    {
        var cursor = Cursor.Write("a?x", [1, 2, 3, 4]);
        Span<byte> position = stackalloc byte[4];

        Assert.True(Cursor.TryRead(cursor, "a?x", position));
        Assert.Equal([1, 2, 3, 4], position.ToArray());
        Assert.False(Cursor.TryRead(cursor, "a?y", position));
        Assert.False(Cursor.TryRead(cursor + "A", "a?x", position));
        Assert.False(Cursor.TryRead(cursor[..^1], "a?x", position));
        Assert.False(Cursor.TryRead(new string('?', cursor.Length), "a?x", position));
        Assert.False(Cursor.TryRead(new string('A', 1_000_000), "a?x", position));
    }

    /// <summary>A stream that gives a little at a time.</summary>
    private sealed class Dripping(byte[] bytes, int portion) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(portion, buffer.Length)], cancellationToken);
    }
}

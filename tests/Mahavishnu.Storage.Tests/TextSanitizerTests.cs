using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Mahavishnu.Storage.Tests;

/// <summary>The laws of cleaning: what comes out can be stored, comes back the same, and is what went in wherever that could be stored.</summary>
public sealed class TextSanitizerTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("", "")]
    [InlineData("plain", "plain")]
    [InlineData(@"a\u0000b\u0000", "ab")]
    [InlineData("😀", "😀")]
    [InlineData(@"\ud83d", @"\ufffd")]
    [InlineData(@"\ude00\ud83d", @"\ufffd\ufffd")]
    [InlineData(@"a\ud83d\ud83d\ude00b\ude00", @"a\ufffd😀b\ufffd")]
    [InlineData(@"\ud83d\u0000\ude00", @"\ufffd\ufffd")]
    [InlineData(@"\u0001\u001f\u007f\ufeff\uffff\u2028", @"\u0001\u001f\u007f\ufeff\uffff\u2028")]
    public void Only_what_cannot_be_stored_is_changed(string given, string clean) =>
        // Escaped, since a lone surrogate does not survive an attribute.
        Assert.Equal(Regex.Unescape(clean), TextSanitizer.Clean(Regex.Unescape(given)));

    [Fact]
    public void A_good_text_is_the_same_object() => Assert.Same("a good text 😀", TextSanitizer.Clean("a good text 😀"));

    [Fact]
    public async Task Whatever_comes_in_can_be_stored_and_comes_back_as_it_was_cleaned()
    {
        var database = await postgres.ReadOnlyDatabaseAsync();
        var random = new Random(7);
        for (var i = 0; i < 500; i++)
        {
            var text = Text(random);
            var clean = TextSanitizer.Clean(text);

            Assert.Equal(clean, TextSanitizer.Clean(clean));
            Assert.Equal(clean, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(clean)));
            Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Replace("\0", "", StringComparison.Ordinal).Length, clean.Length);
            Assert.Equal(clean, await database.ScalarAsync<string>("SELECT $1::text", clean));
        }
    }

    [Theory]
    [InlineData("""{"a":1,"b":[true,null,"x"]}""", """{"a":1,"b":[true,null,"x"]}""")]
    [InlineData("""{"a":"x\u0000y"}""", """{"a":"xy"}""")]
    [InlineData("""{"a\u0000":"x","b":{"c":["\u0000"]}}""", """{"a":"x","b":{"c":[""]}}""")]
    [InlineData("""{"a":"\ud83d\ude00"}""", """{"a":"😀"}""")]
    [InlineData("""{"a":"x\ud83dy"}""", "{\"a\":\"x\ufffdy\"}")]
    [InlineData("""{"\ud83d":1}""", "{\"\ufffd\":1}")]
    [InlineData("""{"a":"\\ud83d \\u0000"}""", """{"a":"\\ud83d \\u0000"}""")]
    [InlineData("""{"a":1e400,"b":12345678901234567890.123,"c":"\u0000"}""", """{"a":1e400,"b":12345678901234567890.123,"c":""}""")]
    [InlineData("""{"a":1,"a\u0000":2}""", """{"a":2}""")]
    public async Task A_document_can_be_stored_with_all_that_can_be_kept(string given, string clean)
    {
        var database = await postgres.ReadOnlyDatabaseAsync();

        var text = TextSanitizer.CleanJson(JsonElement.Parse(given));

        // As jsonb sees it: of two properties that became one name, the last stays.
        Assert.True(await database.ScalarAsync<bool>("SELECT $1::text::jsonb = $2::text::jsonb", text, clean), text);
    }

    [Theory]
    [InlineData("\"\\u0000\"", "\"\"")]
    [InlineData("null", "null")]
    [InlineData("[]", "[]")]
    public void A_document_need_not_be_an_object(string given, string clean) => Assert.Equal(clean, TextSanitizer.CleanJson(JsonElement.Parse(given)));

    private static string Text(Random random)
    {
        var text = new char[random.Next(0, 40)];
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = random.Next(6) switch
            {
                0 => '\0',
                1 => (char)random.Next(0xD800, 0xDC00),
                2 => (char)random.Next(0xDC00, 0xE000),
                3 => (char)random.Next(0x10000),
                _ => (char)random.Next(' ', 0x250),
            };
        }

        return new string(text);
    }
}

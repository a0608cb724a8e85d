namespace Mahavishnu.Embeddings.Tests;

public sealed class TokenCounterTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("word", 1)]
    [InlineData("two words", 2)]
    [InlineData("letter", 1)]
    [InlineData("letters", 2)]
    [InlineData("parseHTTPResponse", 3)]
    [InlineData("1234", 2)]
    [InlineData("f(x);", 5)]
    [InlineData("a\nb\n", 4)]
    [InlineData("                ", 0)]
    [InlineData("                 ", 1)]
    [InlineData("検索", 2)]
    public void One_token_is_what_the_summary_says(string text, int tokens)
    {
        Assert.Equal(tokens, TokenCounter.Count(text));
    }

    [Fact]
    public void The_count_of_a_text_is_the_sum_of_its_lines()
    {
        var text = Samples.Mixed(20_000);
        var lines = text.Split('\n').Select(l => l + "\n").ToArray();
        lines[^1] = lines[^1][..^1];
        Assert.Equal(TokenCounter.Count(text), lines.Sum(l => TokenCounter.Count(l)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public void The_longest_beginning_within_a_limit_keeps_it_and_one_character_more_would_not(int limit)
    {
        var text = Samples.Mixed(3_000);
        for (var start = 0; start < text.Length; start += 37)
        {
            var rest = text.AsSpan(start);
            var length = TokenCounter.LengthWithin(rest, limit);
            Assert.True(TokenCounter.Count(rest[..length]) <= limit || length == 2);
            Assert.True(length == rest.Length || TokenCounter.Count(rest[..Math.Min(length + 2, rest.Length)]) > limit);
        }
    }

    [Fact]
    public void A_surrogate_pair_stays_whole()
    {
        Assert.Equal(2, TokenCounter.LengthWithin("😀😀😀", 1));
        Assert.Equal(2, TokenCounter.LengthWithin("😀😀😀", 3));
        Assert.Equal(4, TokenCounter.LengthWithin("😀😀😀", 4));
    }

    [Fact]
    public void A_limit_below_one_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenCounter.LengthWithin("text", 0));
    }
}

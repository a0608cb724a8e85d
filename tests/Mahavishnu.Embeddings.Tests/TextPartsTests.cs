namespace Mahavishnu.Embeddings.Tests;

public sealed class TextPartsTests
{
    [Fact]
    public void A_text_that_fits_is_returned_as_it_is()
    {
        var text = "a short text";
        Assert.Same(text, Assert.Single(TextParts.Split(text, 2_048, TokenMeter.Approximate)));
        Assert.Same("", Assert.Single(TextParts.Split("", 1, TokenMeter.Approximate)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(512)]
    public void Parts_keep_the_limit_and_joined_are_the_text(int limit)
    {
        var text = Samples.Mixed(30_000);
        var parts = TextParts.Split(text, limit, TokenMeter.Approximate);
        Assert.Equal(text, string.Concat(parts));
        Assert.All(parts, part => Assert.True(TokenCounter.Count(part) <= Math.Max(limit, 2), $"{TokenCounter.Count(part)} tokens"));
        Assert.All(parts, part => Assert.NotEmpty(part));
    }

    [Fact]
    public void A_cut_is_made_between_paragraphs_rather_than_lines_and_between_lines_rather_than_words()
    {
        var paragraphs = string.Concat(Enumerable.Repeat("one two three\nfour five six\n\n", 40));
        Assert.All(TextParts.Split(paragraphs, 100, TokenMeter.Approximate), part => Assert.EndsWith("\n\n", part, StringComparison.Ordinal));

        var lines = string.Concat(Enumerable.Repeat("one two three four\n", 40));
        Assert.All(TextParts.Split(lines, 100, TokenMeter.Approximate), part => Assert.EndsWith("\n", part, StringComparison.Ordinal));
    }

    [Fact]
    public void Four_megabytes_without_a_blank_are_cut_all_the_same()
    {
        var text = new string('x', 4 << 20);
        var parts = TextParts.Split(text, 2_048, TokenMeter.Approximate);
        Assert.Equal(text.Length, parts.Sum(p => p.Length));
        Assert.True(parts.Count <= short.MaxValue);
    }
}

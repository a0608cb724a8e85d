namespace Mahavishnu.Search.Tests;

/// <summary>Which word frequencies go along with a question.</summary>
public sealed class LexemeIndexTests
{
    private static readonly string[] Words = ["archiv", "number", "uber", "x", "zebra", "数据", "数"];

    private static readonly LexemeFrequencies All = new(1_000, Words, [.. Words.Select((_, n) => n / 100f)]) { Projects = new ValueShares(new Dictionary<string, float>(), 0.5) };

    [Theory]
    [InlineData("the Archives", "archiv")]
    [InlineData("FindByNumber", "number")]
    [InlineData("find_by_number", "number")]
    [InlineData("x", "x")]
    [InlineData("", "")]
    [InlineData("!?", "")]
    public void Words_that_begin_anywhere_in_the_question_are_known(string question, string least)
    {
        var among = new LexemeIndex(All).Among(question);

        Assert.Superset(least.Split('|', StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal), among.Words.ToHashSet(StringComparer.Ordinal));
        Assert.DoesNotContain("zebra", among.Words);
        Assert.Equal(among.Words.Count, among.Words.Distinct(StringComparer.Ordinal).Count());
        Assert.All(among.Words.Zip(among.Frequencies), known => Assert.Equal(Array.IndexOf(Words, known.First) / 100f, known.Second));
        Assert.Equal((All.Rows, All.Projects), (among.Rows, among.Projects));
    }

    [Theory]
    [InlineData("Übergabe")]
    [InlineData("数据库")]
    public void Of_other_letters_nobody_knows_what_a_stem_begins_with(string question) => Assert.Same(All, new LexemeIndex(All).Among(question));
}

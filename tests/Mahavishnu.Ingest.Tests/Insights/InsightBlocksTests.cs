using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest.Tests;

/// <summary>Which texts have insights in them, and what the rules make of these.</summary>
public sealed class InsightBlocksTests
{
    private const string Body = "Rows are locked in the order of their ids, or two batches deadlock.";

    private static string Block(string body, int opening = 37, int closing = 49, bool ticked = true)
    {
        var tick = ticked ? "`" : "";
        return $"{tick}★ Insight {new string('─', opening)}{tick}\n{body}\n{tick}{new string('─', closing)}{tick}";
    }

    public static TheoryData<string, string> Shapes => new()
    {
        { "as assistants write it", $"Done.\n\n{Block(Body)}\n\nNext." },
        { "alone", Block(Body) },
        { "five dashes", Block(Body, 5, 5) },
        { "many dashes", Block(Body, 200, 6) },
        { "without backticks", $"Text\n{Block(Body, ticked: false)}\nText" },
        { "with Windows' line ends", $"Text\r\n{Block(Body).Replace("\n", "\r\n", StringComparison.Ordinal)}\r\nText" },
        { "indented", $"- item\n  {Block(Body).Replace("\n", "\n  ", StringComparison.Ordinal)}" },
        { "blank lines around", Block($"\n\n  {Body}\n\n") },
        { "behind a fence", $"```cs\nvar a = 1;\n```\n{Block(Body)}" },
        { "behind a fence that is never closed", $"```cs\n{Block(Body)}" },
        { "opened twice", $"{Block(Body).Split('\n')[0]}\nabandoned\n{Block(Body)}" },
        { "the body on the mark's line", $"`★ Insight ─────` {Body}\n`─────`" },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_marked_block_is_found_in_every_shape(string shape, string text)
    {
        var found = InsightBlocks.Find(text);

        Assert.True(found is { Blocks: 1, RefusedByLength: 0 }, shape);
        Assert.Equal(Body, Assert.Single(found.Bodies));
    }

    public static TheoryData<string, string> Others => new()
    {
        { "four dashes", Block(Body, 4) },
        { "four dashes at the end", Block(Body, 37, 4) },
        { "never ended", $"`★ Insight {new string('─', 37)}`\n{Body}" },
        { "hyphens", $"`★ Insight -------------`\n{Body}\n`-----------------`" },
        { "another star", Block(Body).Replace('★', '☆') },
        { "another word", Block(Body).Replace("Insight", "Hint", StringComparison.Ordinal) },
        { "within a line", $"Write `★ Insight ─────` above it.\n{Body}\n`─────`" },
        { "an example in a fence", $"Mark them so:\n```\n{Block(Body)}\n```\nand they are found." },
        { "an example in a fence of tildes", $"~~~~ text\n{Block(Body)}\n~~~~" },
        { "ended without the backtick it began with", $"`★ Insight ─────`\n{Body}\n──────" },
        { "nothing", "" },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void What_is_no_marked_block_is_none(string shape, string text) => Assert.True(InsightBlocks.Find(text) is { Blocks: 0, Bodies: [] }, shape);

    [Theory]
    [InlineData(29, 0)]
    [InlineData(30, 1)]
    [InlineData(10_000, 1)]
    [InlineData(10_001, 0)]
    public void A_body_has_a_length_that_an_insight_may_have(int length, int insights)
    {
        var found = InsightBlocks.Find($"{Block(new string('x', length))}\n{Block(Body)}");

        Assert.Equal((2, insights + 1, 1 - insights), (found.Blocks, found.Bodies.Count, found.RefusedByLength));
    }

    [Theory]
    [InlineData("Use the repository pattern here because of tests", InsightTypes.Pattern)]
    [InlineData("The best practice is to close it", InsightTypes.Pattern)]
    [InlineData("Patterns of rain over the layer cake", InsightTypes.Architecture)]
    [InlineData("You should close what you open", InsightTypes.BestPractice)]
    [InlineData("A common mistake is to forget the time zone", InsightTypes.Gotcha)]
    [InlineData("It rained", InsightTypes.General)]
    public void The_first_type_that_fits_counts(string text, string type) => Assert.Equal(type, InsightRules.Score(text).Type);

    [Fact]
    public void Confidence_and_quality_are_what_the_rules_add_up()
    {
        // 0.3, and a hint of nothing else.
        Assert.Equal((0.3, 0.46), Of("It rained"));
        // + 0.2 for "should", + 0.1 for the type, + 0.1 for 50 to 500 characters; topics database and testing: + 0.2, quality + 0.2, + 0.1 for "because", + 0.2 x 0.4.
        Assert.Equal((0.9, 0.88), Of("Every database test should have rows of its own, because a shared one fails at random."));
        // Words count as words: "restore" is no "rest", "reasonable" no "reason".
        Assert.Equal((0.3, 0.46), Of("Reasonable people restore"));
        Assert.Equal(["database", "testing"], InsightRules.Score("a database under test").Topics);

        static (double, double) Of(string text) => InsightRules.Score(text) is var score ? (score.Confidence, score.Quality) : default;
    }

    [Fact]
    public void Case_punctuation_and_spacing_make_no_other_insight_and_a_project_does()
    {
        var key = InsightRules.Key("p", "Use halfvec: half the size, the same recall.");

        Assert.Equal(key, InsightRules.Key("p", "  use HALFVEC - half the\n size (the same \"recall\")!  "));
        Assert.NotEqual(key, InsightRules.Key("q", "Use halfvec: half the size, the same recall."));
        Assert.NotEqual(key, InsightRules.Key(null, "Use halfvec: half the size, the same recall."));
        Assert.NotEqual(key, InsightRules.Key("p", "Use halfvec: twice the size, the same recall."));
    }

    /// <summary>Made of what blocks are made of, in every order but theirs, and of all the words that the rules know.</summary>
    [Fact]
    public void Ten_thousand_messages_of_ordinary_prose_have_none()
    {
        var random = new Random(20260131);
        string[] words =
        [
            "always", "never", "use", "avoid", "should", "recommend", "because", "reason", "pattern", "approach", "strategy", "best", "practice", "gotcha", "pitfall", "insight", "Insight",
            "architecture", "design", "layer", "database", "test", "performance", "security", "async", "the", "a", "of", "we", "it", "is", "was", "which", "rows", "★", "☆", "★★★", "★ Insight",
            "`★`", "`★ Insight`", "─", "──", "────", "-----", "———", "`code`", "**bold**", "über", "数据库", "🙂",
        ];
        string[] lines =
        [
            "---", "-----", "----------", "***", "────", "─────────────────────────", "`─────────────`", "```", "```cs", "~~~", "| a | b |", "|---|---|", "# Insight", "## ★ Insights", "★ Insight",
            "`★ Insight ────`", "★ Insight: use an index", "> ★ Insight ─────", "★ Rating ─────────", "`★ Insights ──────────`", "- ★ five stars", "┌──────┐", "└──────┘", "===", "",
        ];
        for (var i = 0; i < 10_000; i++)
        {
            var text = string.Join('\n', Enumerable.Range(0, random.Next(1, 25)).Select(_ => random.Next(3) == 0
                ? lines[random.Next(lines.Length)]
                : string.Join(' ', Enumerable.Range(0, random.Next(1, 20)).Select(_ => words[random.Next(words.Length)]))));

            Assert.True(InsightBlocks.Find(text).Blocks == 0, text);
        }
    }

    [Fact]
    public void A_long_text_is_looked_through_in_one_pass()
    {
        var open = string.Concat(Enumerable.Repeat("`★ Insight ─────`\n```\n", 40_000));
        var many = string.Concat(Enumerable.Range(0, 5_000).Select(i => Block($"{Body} {i}", 5, 5) + "\n"));

        Assert.Equal(0, InsightBlocks.Find(open).Blocks);
        Assert.Equal(5_000, InsightBlocks.Find(many).Bodies.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void A_text_without_its_blocks_has_everything_else()
    {
        Assert.Equal("no block", InsightBlocks.Without("no block"));
        Assert.Equal("before\nbetween\n```\n★ Insight ─────\nan example\n─────\n```\nafter", InsightBlocks.Without(
            "before\n`★ Insight ─────`\none\n`─────`\nbetween\n```\n★ Insight ─────\nan example\n─────\n```\n★ Insight ─────\ntwo\n─────\nafter"));
        Assert.Equal("★ Insight ─────\nnever closed", InsightBlocks.Without("★ Insight ─────\nnever closed"));
        Assert.Equal("", InsightBlocks.Without("★ Insight ─────\nall there is\n─────"));
    }
}

using Mahavishnu.Contracts;

namespace Mahavishnu.Cli.Tests;

/// <summary>The demo judges itself: what it must find, and that a reworded question really has other words.</summary>
public sealed class DemoTests
{
    private static readonly Expectation Expected = new(Title: "Sharpening knives");

    [Fact]
    public void A_missing_hit_fails_the_demo()
    {
        var answer = Answer(QuestionKind.Words, "knives", Hit("Something else", "Knives"));

        Assert.Null(answer.Place);
        Assert.False(Report(answer).AllFound);
    }

    [Fact]
    public void A_found_one_is_told_its_place()
    {
        var answer = Answer(QuestionKind.Words, "knives", Hit("Something else", "Knives"), Hit("Sharpening knives", "Knives are never sharpened."));

        Assert.Equal(2, answer.Place);
        Assert.True(Report(answer).AllFound);
    }

    [Theory]
    [InlineData("blunt blades never cut", 1, 4, true)]
    [InlineData("Knives NEVER cut, blunt", 2, 4, true)]
    [InlineData("knives never sharpen blunt", 3, 4, false)]
    public void A_rewording_shares_at_most_half_of_its_words(string question, int shared, int all, bool found)
    {
        var answer = Answer(QuestionKind.Reworded, question, Hit("Sharpening knives", "Knives are never sharpened once they are sold."));

        Assert.Equal((shared, all), answer.Words);
        Assert.Equal(found, answer.Found);
    }

    [Fact]
    public void A_hit_that_the_filter_excludes_fails_the_demo()
    {
        var question = new DemoQuestion(QuestionKind.Filtered, new SearchRequest { Query = "knives" }, Expected, hit => hit.Title != "Stray");

        Assert.False(new DemoAnswer(question, Response(Hit("Sharpening knives", ""), Hit("Stray", ""))).Found);
        Assert.True(new DemoAnswer(question, Response(Hit("Sharpening knives", ""))).Found);
    }

    [Fact]
    public void There_are_two_questions_by_words_three_reworded_and_one_filtered_about_memories_of_each_type()
    {
        Assert.Equal(
            [(QuestionKind.Words, 2), (QuestionKind.Reworded, 3), (QuestionKind.Filtered, 1)],
            DemoQuestions.All.CountBy(q => q.Kind).Select(c => (c.Key, c.Value)));
        Assert.Equal(MemoryTypes.All.Order(StringComparer.Ordinal), DemoQuestions.Memories.Select(m => m.Type!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        Assert.All(DemoQuestions.All.Select(q => q.Expected.Path).OfType<string>(), path => Assert.True(File.Exists(Path.Combine(Checkout.Root!, path)), path));
        Assert.True(File.Exists(Path.Combine(Checkout.Root!, DemoQuestions.File)));
    }

    private static DemoAnswer Answer(QuestionKind kind, string question, params SearchHit[] hits) =>
        new(new DemoQuestion(kind, new SearchRequest { Query = question }, Expected), Response(hits));

    private static SearchResponse Response(params SearchHit[] hits) => new(hits, SearchModes.Hybrid, Model: null, Degraded: [], TookMs: 1);

    private static SearchHit Hit(string title, string content) =>
        new() { Id = Guid.NewGuid(), Type = MemoryTypes.Insight, Source = "demo", Title = title, Content = content };

    private static DemoReport Report(DemoAnswer answer) =>
        new(new RepositoryResult { RepoId = "r" }, new BatchCounts(0, 0, 0, 0), [answer], new Dictionary<string, double>(StringComparer.Ordinal));
}

namespace Mahavishnu.Benchmarks.Tests;

public sealed class EvalPartsTests
{
    [Fact]
    public void Bm25_puts_the_rare_word_in_the_short_text_first()
    {
        var bm25 = new Bm25(
        [
            new Dictionary<string, int> { ["cat"] = 1, ["dog"] = 1 },
            new Dictionary<string, int> { ["dog"] = 2 },
            new Dictionary<string, int> { ["cat"] = 1, ["dog"] = 1, ["bird"] = 6 },
        ]);

        Assert.Equal([0, 2, 1], bm25.Rank(["cat", "dog", "unknown"], most: 10));
        Assert.Equal([1], bm25.Rank(["dog"], most: 1));
        Assert.Empty(bm25.Rank(["unknown"], most: 10));
    }

    [Fact]
    public void A_score_counts_the_evidence_by_depth_and_the_place_of_the_first()
    {
        var question = new EvalQuestion("same", "?", [7, 9]);

        Assert.Equal(new EvalScore(0.5, 1, 1, 1.0 / 3), EvalScore.Of(question, [1, 2, 7, 3, 4, 5, 9]));
        Assert.Equal(new EvalScore(0, 0, 0.5, 0), EvalScore.Of(question, [0, 1, 2, 3, 4, 5, 6, 8, 10, 11, 7]));
    }

    [Fact]
    public void A_summary_asks_for_its_member_which_does_not_hold_it()
    {
        const string Source = """
            namespace A;

            /// <summary>Not asked for: it holds what is.</summary>
            public sealed class Box
            {
                /// <summary>Says how many <see cref="Lid.Hinge"/> there are. And more.</summary>
                /// <param name="deep">Not asked for.</param>
                public int Count(bool deep)
                {
                    var brace = "}";
                    return deep ? brace.Length : 0; // }
                }

                /// <summary>Most that fit in.</summary>
                public int Most { get; init; } = 3;

                [Fact]
                public void A_box_holds_three()
                {
                    Assert.Equal(3, Most);
                }
            }
            """;

        var found = CSharpSet.Read("src/Box.cs", Source).ToList();

        Assert.Equal(["Says how many Hinge there are", "Most that fit in", "A box holds three"], found.Select(f => f.Purpose));
        Assert.StartsWith("public int Count(bool deep)\n{", found[0].Code, StringComparison.Ordinal);
        Assert.EndsWith("// }\n}", found[0].Code, StringComparison.Ordinal);
        Assert.Equal("public int Most { get; init; } = 3;", found[1].Code);
        Assert.Equal("public void Test()\n{\n    Assert.Equal(3, Most);\n}", found[2].Code);
    }

    [Fact]
    public void Every_question_about_talk_has_its_evidence_and_no_two_turns_are_the_same()
    {
        var set = TalkSet.Read();

        Assert.All(set.Questions, q => Assert.NotEmpty(q.Evidence));
        Assert.Equal(set.Documents.Count, set.Documents.Select(d => d.Content).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(set.Documents.Count, set.Documents.Select(d => d.Id).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(["changed", "follow", "other", "same"], set.Questions.Select(q => q.Category).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }
}

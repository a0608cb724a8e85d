using Mahavishnu.Storage;

namespace Mahavishnu.Ingest.Tests;

/// <summary>What two lists of finds come to, by hand.</summary>
public sealed class SpaceScoringTests
{
    private static readonly Guid[] Ids = [.. Enumerable.Range(0, 30).Select(_ => Guid.CreateVersion7())];

    private static EmbeddingSpace Space(short id) => new(id, "known", $"m{id}", "1", 2, "cosine", "none", "building", "none", DateTimeOffset.UnixEpoch);

    private static ComparedQuestion Question(int[] right, int[] baseline, int[] candidate, int[]? byIndex = null) => new(
        $"{right.Length}", right.Length == 1 ? Ids[right[0]] : null, [.. right.Select(r => Ids[r])],
        new FoundBySpace([.. baseline.Select(i => Ids[i])], null), new FoundBySpace([.. candidate.Select(i => Ids[i])], byIndex is null ? null : [.. byIndex.Select(i => Ids[i])]));

    [Fact]
    public void Recall_rank_overlap_and_the_index_are_means_over_the_questions()
    {
        int[] forward = [.. Enumerable.Range(0, 12)], backward = [.. forward.Reverse()];
        var result = SpaceScoring.Compare(ComparisonBasis.Pinned, "", Space(1), Space(2),
        [
            Question([0], forward, backward, byIndex: [11, 10, 9, 8, 7]),
            Question([11], backward, backward, byIndex: [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]),
            // Nothing is known to be right here: it counts for the overlap alone.
            Question([], [20, 21], [21, 22]),
        ]);

        Assert.Equal((1.0, 1.0, null), (result.Baseline.RecallAt10!.Value, result.Baseline.Mrr!.Value, result.Baseline.IndexRecallAt10));
        Assert.Equal(0.5, result.Candidate.RecallAt10!.Value, 1e-9);
        Assert.Equal((1 / 12.0 + 1) / 2, result.Candidate.Mrr!.Value, 1e-9);
        Assert.Equal((0.5 + 1) / 2, result.Candidate.IndexRecallAt10!.Value, 1e-9);
        Assert.Equal((0.8 + 1 + 0.5) / 3, result.OverlapAt10!.Value, 1e-9);
        Assert.True(result.Worse);
        Assert.Equal([(1, 12, 8), (null, null, 1), (1, 1, 10)], result.Changes.Select(c => (c.BaselineRank, c.CandidateRank, c.Overlap)));
        Assert.Contains("recall@10 0.50 after 1.00", SpaceScoring.Sentence(result), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(50, 49, false)]
    [InlineData(50, 48, true)]
    [InlineData(10, 9, true)]
    [InlineData(10, 10, false)]
    public void One_of_fifty_that_slips_is_no_verdict_and_one_of_a_few_is(int questions, int found, bool worse)
    {
        var result = SpaceScoring.Compare(ComparisonBasis.Pinned, "", Space(1), Space(2), [.. Enumerable.Range(0, questions).Select(i => Question([0], [0], i < found ? [0] : [1]))]);

        Assert.Equal(worse, result.Worse);
        Assert.False(SpaceScoring.Compare(ComparisonBasis.Pinned, "", Space(1), Space(2), [Question([0], [1], [0])]).Worse);
    }

    [Theory]
    // Where the words stand in, half of what they find is enough.
    [InlineData(new[] { 0, 1, 2 }, false)]
    [InlineData(new[] { 9, 0, 1 }, false)]
    [InlineData(new[] { 9, 8, 0, 1, 2 }, true)]
    [InlineData(new[] { 0, 9, 8 }, true)]
    [InlineData(new[] { 9, 8, 7 }, true)]
    public void By_words_only_less_than_half_is_worse(int[] candidate, bool worse) =>
        Assert.Equal(worse, SpaceScoring.Compare(ComparisonBasis.Sampled, "", Space(1), Space(2), [Question([0, 1, 2], [0, 1, 2], candidate)]).Worse);

    [Fact]
    public void Without_questions_there_is_no_figure_and_nothing_is_worse()
    {
        var result = SpaceScoring.Compare(ComparisonBasis.None, "n", Space(1), Space(2), []);

        Assert.Equal((0, null, null, null, false), (result.Queries, result.OverlapAt10, result.Baseline.RecallAt10, result.Candidate.Mrr, result.Worse));
        Assert.Empty(result.Changes);
    }
}

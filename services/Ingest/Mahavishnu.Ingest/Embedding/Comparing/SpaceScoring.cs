using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>One question and what each space brings up for it, the nearest first.</summary>
/// <param name="MemoryId">The memory it should find, where that is known.</param>
/// <param name="Right">What stands for the right answer: that memory, or the first that the words find; empty where nothing does.</param>
internal sealed record ComparedQuestion(string Query, Guid? MemoryId, IReadOnlyList<Guid> Right, FoundBySpace Baseline, FoundBySpace Candidate);

/// <param name="Exact">The nearest of all.</param>
/// <param name="ByIndex">The first ten as the index finds them; null while there is none.</param>
internal sealed record FoundBySpace(IReadOnlyList<Guid> Exact, IReadOnlyList<Guid>? ByIndex);

/// <summary>What the questions rest on.</summary>
internal static class ComparisonBasis
{
    public const string Pinned = "pinned";
    public const string Sampled = "sampled";
    public const string None = "none";
}

/// <summary>From what two spaces find to which finds better.</summary>
internal static class SpaceScoring
{
    public const int First = 10;

    // One of fifty questions, the usual number: that one slips is no verdict. One of a few pinned ones is more than this, and meant to be.
    private const double Tolerance = 0.02;

    // What the words find favours a model that goes by words. A trained one may well differ from it and be the better one; one that is
    // broken, or made for something else, finds next to nothing of it.
    private const double LeastShareOfWords = 0.5;

    public static SpaceComparison Compare(string basis, string note, EmbeddingSpace baseline, EmbeddingSpace candidate, IReadOnlyList<ComparedQuestion> questions)
    {
        var before = Score(baseline, questions, q => q.Baseline);
        var after = Score(candidate, questions, q => q.Candidate);
        return new SpaceComparison(
            basis, note, questions.Count, before, after, Mean(questions.Select(OverlapShare)),
            IsWorse(basis, before.RecallAt10, after.RecallAt10) || IsWorse(basis, before.Mrr, after.Mrr),
            [.. questions
                .Select(q => new QueryComparison(q.Query, q.MemoryId, Rank(q.Baseline.Exact, q.Right), Rank(q.Candidate.Exact, q.Right), Overlap(q)))
                .OrderByDescending(Change).ThenBy(c => c.Overlap).ThenBy(c => c.Query, StringComparer.Ordinal)]);
    }

    /// <summary>The verdict in a sentence.</summary>
    public static string Sentence(SpaceComparison c) => FormattableString.Invariant(
        $"Space {c.Candidate.SpaceId} ({c.Candidate.Model}) finds what should be found worse than space {c.Baseline.SpaceId} ({c.Baseline.Model}): recall@10 {c.Candidate.RecallAt10:0.00} after {c.Baseline.RecallAt10:0.00}, mean reciprocal rank {c.Candidate.Mrr:0.00} after {c.Baseline.Mrr:0.00}. {c.Note}");

    private static bool IsWorse(string basis, double? before, double? after) =>
        before - after > 1e-9 + (basis == ComparisonBasis.Sampled ? before * (1 - LeastShareOfWords) : Tolerance);

    private static SpaceScore Score(EmbeddingSpace space, IReadOnlyList<ComparedQuestion> questions, Func<ComparedQuestion, FoundBySpace> of)
    {
        var judged = questions.Where(q => q.Right.Count > 0).ToList();
        return new SpaceScore(
            space.Id, space.Model,
            Mean(judged.Select(q => (double?)of(q).Exact.Take(First).Intersect(q.Right).Count() / q.Right.Count)),
            Mean(judged.Select(q => (double?)(Rank(of(q).Exact, q.Right) is { } rank ? 1.0 / rank : 0))),
            Mean(questions.Select(q => of(q) is { ByIndex: { } byIndex, Exact.Count: > 0 } found
                ? (double?)found.Exact.Take(First).Intersect(byIndex.Take(First)).Count() / Math.Min(First, found.Exact.Count)
                : null)));
    }

    /// <returns>The place, from 1, of the best placed of <paramref name="right"/>.</returns>
    private static int? Rank(IReadOnlyList<Guid> found, IReadOnlyList<Guid> right)
    {
        for (var i = 0; i < found.Count; i++)
        {
            if (right.Contains(found[i]))
            {
                return i + 1;
            }
        }

        return null;
    }

    private static int Overlap(ComparedQuestion q) => q.Baseline.Exact.Take(First).Intersect(q.Candidate.Exact.Take(First)).Count();

    // A scope of three memories has no ten to share.
    private static double? OverlapShare(ComparedQuestion q) =>
        Math.Min(First, Math.Max(q.Baseline.Exact.Count, q.Candidate.Exact.Count)) is > 0 and var most ? (double)Overlap(q) / most : null;

    private static int Change(QueryComparison c) => Math.Abs((c.BaselineRank ?? SpaceComparer.Ranks + 1) - (c.CandidateRank ?? SpaceComparer.Ranks + 1));

    private static double? Mean(IEnumerable<double?> values) => values.Average();
}

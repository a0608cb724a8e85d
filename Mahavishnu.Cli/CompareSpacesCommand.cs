using System.CommandLine;
using System.Globalization;
using Mahavishnu.Contracts;
using Spectre.Console;

namespace Mahavishnu.Cli;

/// <summary><c>mahavishnu embeddings compare ID</c>: the same questions in two spaces.</summary>
internal static class CompareSpacesCommand
{
    private const int MostQueries = 500;
    private const int Shown = 10;
    private const int QueryLength = 80;

    // A memory that is not found at all has lost or gained more places than any that is.
    private const int Beyond = 101;

    public static Command Create(ServiceVerbs verbs)
    {
        var space = SpaceChoice.Argument();
        var with = new Option<string?>("--with") { Description = "The space to compare with; default: the active one", HelpName = "ID" };
        var queries = WholeNumber.Option("--queries", 1, MostQueries, "Most questions asked; default 50, the pinned ones first");
        return verbs.On(
            new Command("compare", "Ask two spaces the same questions, and say which one finds better") { space, with, queries },
            async (call, ct) =>
            {
                var spaces = (await call.Admin.EmbeddingsAsync(ct)).Spaces;
                var chosen = SpaceChoice.Find(call.Parsed.GetRequiredValue(space), spaces);
                var other = call.Parsed.GetValue(with) is { } name ? SpaceChoice.Find(name, spaces) : spaces.FirstOrDefault(s => s.State == EmbeddingSpaceStates.Active);
                if (other?.Id == chosen.Id)
                {
                    throw new CliException($"{SpaceChoice.Describe(chosen)} cannot be compared with itself; --with names the other space");
                }

                var request = new CompareSpacesRequest { With = other?.Id, Queries = call.Parsed.GetValue(queries) };
                var comparison = await call.Admin.CompareSpacesAsync(chosen.Id, request, ct);
                call.Answer(comparison, () => Write(comparison, call.Terminal));
                return ExitCode.Done;
            });
    }

    /// <summary>Scores side by side, the biggest changes of rank, and what the numbers rest on.</summary>
    public static void Write(SpaceComparison comparison, Terminal terminal)
    {
        var (old, now) = (comparison.Baseline, comparison.Candidate);
        terminal.Table(["", Name(old), Name(now)],
        [
            ["recall@10", EmbeddingView.Share(old.RecallAt10), EmbeddingView.Share(now.RecallAt10)],
            ["MRR", EmbeddingView.Share(old.Mrr), EmbeddingView.Share(now.Mrr)],
            ["recall@10 of the index", EmbeddingView.Share(old.IndexRecallAt10), EmbeddingView.Share(now.IndexRecallAt10)],
        ]);
        var changes = comparison.Changes.Where(c => c.BaselineRank != c.CandidateRank).OrderByDescending(Distance).Take(Shown).ToList();
        if (changes.Count > 0)
        {
            terminal.Table(["question", "memory", "rank before", "rank after", "of ten the same"], changes.Select(c => new[]
            {
                EmbeddingView.Cut(c.Query, QueryLength), c.MemoryId?.ToString() ?? "", Rank(c.BaselineRank), Rank(c.CandidateRank), c.Overlap.ToString(CultureInfo.InvariantCulture),
            }));
        }

        terminal.Screen.Write(new Text($"{EmbeddingView.Number(comparison.Queries)} questions, overlap@10 {EmbeddingView.Share(comparison.OverlapAt10)}. {comparison.Note}\n"));
        if (comparison.Worse)
        {
            terminal.Screen.Write(new Text(string.Create(CultureInfo.InvariantCulture, $"{Name(now)} finds worse than {Name(old)}: `mahavishnu embeddings activate {now.SpaceId}` refuses without --force\n")));
        }
    }

    private static string Name(SpaceScore score) => string.Create(CultureInfo.InvariantCulture, $"{score.SpaceId} {score.Model}");

    private static string Rank(int? rank) => rank?.ToString(CultureInfo.InvariantCulture) ?? "> 100";

    private static int Distance(QueryComparison change) => Math.Abs((change.BaselineRank ?? Beyond) - (change.CandidateRank ?? Beyond));
}

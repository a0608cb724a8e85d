using System.Collections.Concurrent;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;

namespace Mahavishnu.Search;

/// <summary>Asks the pinned questions through the search itself and looks where their memories stand.</summary>
internal sealed class Evaluator(PinnedQueryStore pins, Searcher searcher)
{
    // Searches of others go on meanwhile.
    private const int AtATime = 4;

    // Ranks of two spaces do not make one figure: all of them again, where another became the active one meanwhile.
    private const int MostRounds = 3;

    /// <returns>Null: the active space changed again and again.</returns>
    public async Task<EvaluationResult?> RunAsync(SearchMode mode, int k, CancellationToken ct)
    {
        var all = await pins.ListAsync(after: null, PinnedQueryStore.Most, ct);
        var asked = all.Where(p => p.Title is not null).ToList();
        for (var round = 0; round < MostRounds; round++)
        {
            var answers = await AskAsync(asked, mode, k, ct);
            if (answers.DistinctBy(a => a.Answer.Space).Count() <= 1)
            {
                return Result(mode, k, answers) with { Gone = all.Count - asked.Count };
            }
        }

        return null;
    }

    private async Task<List<(PinnedQuery Pin, SpaceAnswer Answer)>> AskAsync(List<PinnedQuery> asked, SearchMode mode, int k, CancellationToken ct)
    {
        var answers = new ConcurrentDictionary<Guid, SpaceAnswer>();
        await Parallel.ForEachAsync(asked, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = ct }, async (pin, token) =>
        {
            var question = new Question
            {
                Text = pin.Query,
                Mode = mode,
                Types = pin.Scope.Types,
                Sources = pin.Scope.Sources,
                ProjectId = pin.Scope.ProjectId,
                RepoId = pin.Scope.RepoId,
                Limit = k,
            };
            // Only a question about a memory ("like") can be without an answer.
            answers[pin.Id] = (await searcher.AnswerAsync(question, unified: false, token))!;
        });
        return asked.ConvertAll(p => (p, answers[p.Id]));
    }

    private static EvaluationResult Result(SearchMode mode, int k, List<(PinnedQuery Pin, SpaceAnswer Answer)> answers)
    {
        var results = answers.ConvertAll(a => new PinnedQueryResult(a.Pin.Id, a.Pin.Query, a.Pin.MemoryId, Rank(a.Answer.Response.Hits, a.Pin.MemoryId)));
        return new EvaluationResult(
            JsonNamingPolicy.CamelCase.ConvertName(mode.ToString()),
            answers.Count == 0 ? null : answers[0].Answer.Response.Model,
            k,
            results.Count,
            results.Count == 0 ? null : results.Average(r => r.Rank is null ? 0.0 : 1),
            results.Count == 0 ? null : results.Average(r => r.Rank is { } rank ? 1.0 / rank : 0),
            [.. answers.SelectMany(a => a.Answer.Response.Degraded).Distinct(StringComparer.Ordinal)],
            results);
    }

    private static int? Rank(IReadOnlyList<SearchHit> hits, Guid memoryId)
    {
        for (var i = 0; i < hits.Count; i++)
        {
            if (hits[i].Id == memoryId)
            {
                return i + 1;
            }
        }

        return null;
    }
}

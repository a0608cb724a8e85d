using Mahavishnu.Contracts;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Mahavishnu.Search;

/// <summary>
/// Everything there is in one list: memories of this system, imported ones, and what other projects share with the one asked about. They lie in the same
/// tables, so one statement ranks them together; only when that fails is each asked alone, so that what works still answers.
/// </summary>
internal sealed partial class UnifiedSearcher(Searcher searcher, ILogger<UnifiedSearcher> logger)
{
    private const int MostRounds = 3;

    /// <returns>Null: the memory to find more like does not exist.</returns>
    public async Task<SearchResponse?> SearchAsync(Question question, CancellationToken ct)
    {
        SearchResponse? answer;
        try
        {
            answer = await searcher.SearchAsync(question with { Origin = Origin.Any }, unified: true, ct);
        }
        catch (PostgresException e) when (!e.IsTransient)
        {
            answer = await OneByOneAsync(question, e, ct);
        }

        return answer is null ? null : answer with { Hits = [.. answer.Hits.Select(hit => hit with { Origin = NameOf(OriginOf(hit, question)) })] };
    }

    private async Task<SearchResponse?> OneByOneAsync(Question question, PostgresException together, CancellationToken ct)
    {
        var answers = new List<SpaceAnswer>();
        var failed = new List<string>();
        Origin[] origins = question.ProjectId is null ? [Origin.Memories, Origin.SessionBuddy] : [Origin.Memories, Origin.SessionBuddy, Origin.Shared];
        // Once more for those asked before another space became the active one: scores of two spaces do not belong into one list.
        for (var round = 0; round == 0 || round < MostRounds && answers.DistinctBy(a => a.Space).Count() > 1; round++)
        {
            (answers, failed) = ([], []);
            foreach (var origin in origins)
            {
                try
                {
                    if (await searcher.AnswerAsync(question with { Origin = origin }, unified: true, ct) is not { } answer)
                    {
                        return null;
                    }

                    answers.Add(answer);
                }
                catch (PostgresException e) when (!e.IsTransient)
                {
                    SourceFailed(logger, NameOf(origin), e.MessageText);
                    failed.Add(ErrorCodes.Degraded.SourceFailed(NameOf(origin)));
                }
            }
        }

        if (answers.Count == 0 || answers.DistinctBy(a => a.Space).Count() > 1)
        {
            throw together;
        }

        var responses = answers.ConvertAll(a => a.Response);
        return responses[0] with
        {
            Hits = [.. responses.SelectMany(a => a.Hits).OrderByDescending(h => h.Score).ThenBy(h => h.Id).Take(question.Limit)],
            Degraded = [.. responses.SelectMany(a => a.Degraded).Distinct(StringComparer.Ordinal), .. failed],
            TookMs = responses.Sum(a => a.TookMs),
        };
    }

    private static Origin OriginOf(SearchHit hit, Question question) =>
        question.ProjectId is { } project && hit.ProjectId != project ? Origin.Shared
        : hit.Source == Origins.SessionBuddySource ? Origin.SessionBuddy
        : Origin.Memories;

    private static string NameOf(Origin origin) => origin switch
    {
        Origin.SessionBuddy => "session_buddy",
        Origin.Shared => "shared",
        _ => "memories",
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "Unified search goes on without {Source}: {Reason}")]
    private static partial void SourceFailed(ILogger logger, string source, string reason);
}

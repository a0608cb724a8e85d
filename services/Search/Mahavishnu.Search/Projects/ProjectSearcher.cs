using System.Diagnostics;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Search;

/// <summary>A question that a project asks of itself and what is around it.</summary>
/// <param name="Reasons">Some of <see cref="ScopeReasons"/>.</param>
internal sealed record ProjectQuestion(Question Question, string Own, int Hops, IReadOnlyCollection<string> Reasons);

/// <summary>A search across projects: what is around the project is read in one small round trip, and the search is the one that all others are, within that scope and weighed by it.</summary>
internal sealed class ProjectSearcher(Searcher searcher, ScopeStore scopes, IOptions<AcrossOptions> options)
{
    private readonly ScopeWeights _weights = options.Value.Weights();

    /// <returns>Null: the memory to find more like does not exist.</returns>
    public async Task<SearchResponse?> SearchAsync(ProjectQuestion asked, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        var question = await ScopeAsync(asked, ct);
        return await searcher.SearchAsync(question, unified: false, ct) is not { } answer ? null : answer with
        {
            Hits = [.. answer.Hits.Select(hit => Explained(hit, question.Across!))],
            TookMs = Stopwatch.GetElapsedTime(started).TotalMilliseconds,
        };
    }

    /// <summary>The question within its scope.</summary>
    internal async Task<Question> ScopeAsync(ProjectQuestion asked, CancellationToken ct)
    {
        // Reads are safe to repeat.
        var facts = await TransientRetry.RunAsync(token => scopes.ReadAsync(asked.Own, asked.Hops, token), ct);
        return asked.Question with { ProjectId = null, Across = ProjectScope.Resolve(asked.Own, asked.Hops, asked.Reasons, facts, _weights) };
    }

    private static SearchHit Explained(SearchHit hit, ProjectScope across)
    {
        var scope = across.Of(hit.Id, hit.ProjectId);
        return hit with { Scope = scope, Explain = hit.Explain is { } why ? why with { Weight = scope.Weight } : null };
    }
}

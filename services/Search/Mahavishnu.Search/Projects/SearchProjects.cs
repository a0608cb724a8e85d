using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Search;

/// <summary>POST /search/projects: one ranked list over a project, what it depends on and what depends on it, its groups, and what was shared with it; each hit says why it is there.</summary>
internal static class SearchProjects
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("projects", HandleAsync)
        .WithName(nameof(SearchProjects))
        .WithSummary("Search a project and those it has to do with, in one list")
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Results<Ok<SearchResponse>, ProblemHttpResult>> HandleAsync(
        ProjectSearchRequest request, ProjectSearcher searcher, InsightUsageCounter usage, QuestionLog log, CancellationToken ct)
    {
        var (asked, errors) = SearchValidation.CheckAcross(request);
        if (asked is null)
        {
            return Problems.Validation(errors);
        }

        if (await searcher.SearchAsync(asked, ct) is not { } answer)
        {
            return Problems.NotFound($"There is no memory {asked.Question.Like} to find more like.");
        }

        usage.Found(answer.Hits.Where(h => h.Type == MemoryTypes.Insight).Select(h => h.Id));
        log.Offer(asked.Question, asked.Own, answer);
        return TypedResults.Ok(answer);
    }
}

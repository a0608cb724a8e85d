using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Search;

/// <summary>POST /search: question → vector and words → ranked memories.</summary>
internal static class SearchMemories
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("", HandleAsync)
        .WithName(nameof(SearchMemories))
        .WithSummary("Search memories by meaning and by words")
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Results<Ok<SearchResponse>, ProblemHttpResult>> HandleAsync(
        SearchRequest request, Searcher searcher, QuestionSampler sampler, InsightUsageCounter usage, QuestionLog log, OwnDoor door, HttpRequest http, CancellationToken ct)
    {
        var (question, errors) = SearchValidation.Check(request);
        if (question is null)
        {
            return Problems.Validation(errors);
        }

        question = question with { Rehearsal = door.IsRehearsal(http) };
        if (await searcher.SearchAsync(question, unified: false, ct) is not { } answer)
        {
            return Problems.NotFound($"There is no memory {question.Like} to find more like.");
        }

        if (!question.Rehearsal)
        {
            sampler.Offer(question);
            usage.Found(answer.Hits.Where(h => h.Type == MemoryTypes.Insight).Select(h => h.Id));
            log.Offer(question, question.ProjectId, answer);
        }

        return TypedResults.Ok(answer);
    }
}

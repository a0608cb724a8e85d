using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Search;

/// <summary>POST /evals:run: every pinned question asked again, as a search would be.</summary>
internal static class RunEvaluation
{
    public static void Map(IEndpointRouteBuilder api) => api.MapPost($"/{Resources.Evaluations}:run", HandleAsync)
        .WithQuery([]).WithName(nameof(RunEvaluation)).WithSummary("Ask every pinned question again: recall@k, mean reciprocal rank, each rank")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    internal static async Task<Results<Ok<EvaluationResult>, ProblemHttpResult>> HandleAsync(RunEvaluationRequest? request, Evaluator evaluator, CancellationToken ct)
    {
        var (mode, k, errors) = SearchValidation.Check(request ?? new RunEvaluationRequest());
        if (errors.Count > 0)
        {
            return Problems.Validation(errors);
        }

        return await evaluator.RunAsync(mode, k, ct) is { } result
            ? TypedResults.Ok(result)
            : Problems.Conflict("Another embedding space became the active one while the questions were asked; run it again.");
    }
}

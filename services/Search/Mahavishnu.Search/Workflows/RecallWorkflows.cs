using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Search;

/// <summary>POST /workflows/recall: how was something like this done before, did it work, what failed?</summary>
internal static class RecallWorkflows
{
    // As a search names what is wrong, and as a recall calls it.
    private static readonly (string Search, string Recall)[] Fields = [("query", "goal"), ("sources[0]", "adapter"), ("after", "since")];

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("", HandleAsync)
        .WithName(nameof(RecallWorkflows))
        .WithSummary("Recall executions with a similar goal: how often they worked, and what failed last")
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Results<Ok<RecallResponse>, ProblemHttpResult>> HandleAsync(RecallRequest request, WorkflowRecall recall, CancellationToken ct)
    {
        var (question, errors) = SearchValidation.Check(new SearchRequest
        {
            Query = request.Goal,
            Types = [MemoryTypes.Workflow],
            Sources = request.Adapter is { } adapter ? [adapter] : null,
            ProjectId = request.ProjectId,
            RepoId = request.RepoId,
            After = request.Since,
        });
        var said = errors.ToDictionary(e => Fields.FirstOrDefault(f => f.Search == e.Key).Recall ?? e.Key, e => e.Value, StringComparer.Ordinal);
        if (request.Limit is < 1 or > WorkflowLimits.RecallGroups)
        {
            said["limit"] = [$"The value must be between 1 and {WorkflowLimits.RecallGroups}."];
        }

        return said.Count > 0 ? Problems.Validation(said) : TypedResults.Ok(await recall.RecallAsync(question!, request.Limit ?? RecallRequest.UsualLimit, ct));
    }
}

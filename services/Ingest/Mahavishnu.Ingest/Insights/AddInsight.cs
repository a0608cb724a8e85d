using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /insights: an insight that somebody had. What the rules would say of it is the default of what is not given.</summary>
internal static class AddInsight
{
    public static void Map(IEndpointRouteBuilder api) => api.MapPost($"/{Resources.Insights}", HandleAsync)
        .WithQuery([]).WithName(nameof(AddInsight)).WithSummary("Store an insight; one that says the same answers with the one that is there")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);

    internal static async Task<Results<Created<Insight>, Ok<Insight>, ProblemHttpResult>> HandleAsync(
        JsonBody<NewInsight> body, InsightStore insights, InsightReadStore read, TimeProvider time, HttpResponse response, CancellationToken ct)
    {
        var errors = new FieldErrors();
        if (InsightFields.Read(body.Value, time.GetUtcNow(), errors) is not { } draft)
        {
            return errors.ToProblem();
        }

        var outcome = await insights.AddAsync(draft, ct);
        if (AddMemory.Refused(outcome) is { } refused)
        {
            return refused;
        }

        if (await read.FindAsync(outcome.Id, ct) is not { } insight)
        {
            return Problems.Conflict("The insight was stored, and removed by somebody else before it could be read back.");
        }

        VersionTag.Write(response, insight.Version);
        return outcome.Status == WriteStatus.Created
            ? TypedResults.Created($"{Resources.Api}/{Resources.Insights}/{insight.Id}", insight)
            : TypedResults.Ok(insight with { Duplicate = true });
    }
}

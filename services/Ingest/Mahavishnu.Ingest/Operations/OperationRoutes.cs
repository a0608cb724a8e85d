using System.Data.Common;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>One operation: looked at, stopped, begun again.</summary>
internal static class OperationRoutes
{
    // unique_violation of the index that admits one unfinished operation a kind and subject.
    private const string UniqueViolation = "23505";

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet($"/{Resources.Operations}/{{id}}", GetAsync)
            .WithQuery([]).WithName("GetOperation").WithSummary("State and progress of an operation").ProducesProblem(StatusCodes.Status404NotFound);
        api.MapPost($"/{Resources.Operations}/{{id}}:cancel", CancelAsync)
            .WithQuery([]).WithName("CancelOperation").WithSummary("Stop an operation; what it has done stays")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        api.MapPost($"/{Resources.Operations}/{{id}}:retry", RetryAsync)
            .WithQuery([]).WithName("RetryOperation").WithSummary("Begin a failed or cancelled operation again")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
    }

    internal static async Task<Results<Ok<Operation>, ProblemHttpResult>> GetAsync(Guid id, OperationStore operations, CancellationToken ct) =>
        await operations.FindAsync(id, ct) is { } operation ? TypedResults.Ok(operation) : Missing(id);

    /// <summary>A running operation is asked to stop and says <c>cancelled</c> when it has.</summary>
    internal static async Task<Results<Ok<Operation>, ProblemHttpResult>> CancelAsync(Guid id, OperationStore operations, CancellationToken ct)
    {
        if (await operations.CancelAsync(id, ct) is { } cancelled)
        {
            return TypedResults.Ok(cancelled);
        }

        return await operations.FindAsync(id, ct) is { } ended
            ? Problems.Conflict($"The operation has ended ({ended.State}); there is nothing to cancel.")
            : Missing(id);
    }

    internal static async Task<Results<Ok<Operation>, ProblemHttpResult>> RetryAsync(Guid id, OperationStore operations, CancellationToken ct)
    {
        try
        {
            if (await operations.RetryAsync(id, ct) is { } queued)
            {
                return TypedResults.Ok(queued);
            }
        }
        catch (DbException e) when (e.SqlState == UniqueViolation)
        {
            return Problems.Conflict("Another operation is at work on the same.");
        }

        return await operations.FindAsync(id, ct) is { } other
            ? Problems.Conflict($"Only a failed or cancelled operation can be begun again; this one is {other.State}.")
            : Missing(id);
    }

    public static ProblemHttpResult Missing(Guid id) => Problems.NotFound($"There is no operation {id}.");
}

using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /operations: long work, the newest first.</summary>
internal static class ListOperations
{
    private const int UsualLimit = 50;

    private static readonly string[] Kinds = [OperationKinds.Repository, OperationKinds.Import, OperationKinds.EmbeddingSpace, OperationKinds.Index];

    private static readonly string[] States =
        [OperationStates.Queued, OperationStates.Running, OperationStates.Completed, OperationStates.Failed, OperationStates.Cancelled];

    public static void Map(IEndpointRouteBuilder api) => api.MapGet($"/{Resources.Operations}", HandleAsync)
        .WithQuery(["kind", "state", "limit", "cursor"]).WithName(nameof(ListOperations)).WithSummary("List long work, the newest first")
        .ProducesValidationProblem();

    internal static async Task<Results<Ok<Page<Operation>>, ProblemHttpResult>> HandleAsync(
        [FromQuery(Name = "kind")] string? kind, [FromQuery(Name = "state")] string? state, [FromQuery(Name = "limit")] int? limit,
        [FromQuery(Name = "cursor")] string? cursor, OperationStore operations, CancellationToken ct)
    {
        var errors = new FieldErrors();
        OneOf("kind", kind, Kinds, errors);
        OneOf("state", state, States, errors);
        var size = KnownQuery.Limit(limit, UsualLimit, MemoryLimits.ListLimit, errors);
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var listing = Listing.ById(Resources.Operations, new { kind, state });
        if (!listing.TryRead(cursor, out var before))
        {
            return Cursor.Refused();
        }

        return TypedResults.Ok(listing.Page(await operations.ListAsync(kind, state, before, size + 1, ct), size, o => o.Id));
    }

    private static void OneOf(string name, string? given, string[] allowed, FieldErrors errors)
    {
        if (given is not null && !allowed.Contains(given, StringComparer.Ordinal))
        {
            errors.Add(name, $"The value must be one of {string.Join(", ", allowed)}.");
        }
    }
}

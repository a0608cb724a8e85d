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
    private const int PositionLength = 16;

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

        var listing = $"{Resources.Operations}?{kind}&{state}";
        Guid? before = null;
        if (cursor is not null && (before = Position(cursor, listing)) is null)
        {
            return Cursor.Refused();
        }

        var found = await operations.ListAsync(kind, state, before, size + 1, ct);
        var items = found.Take(size).ToList();
        return TypedResults.Ok(new Page<Operation>(items, found.Count > size ? Cursor.Write(listing, items[^1].Id.ToByteArray()) : null));
    }

    private static void OneOf(string name, string? given, string[] allowed, FieldErrors errors)
    {
        if (given is not null && !allowed.Contains(given, StringComparer.Ordinal))
        {
            errors.Add(name, $"The value must be one of {string.Join(", ", allowed)}.");
        }
    }

    private static Guid? Position(string cursor, string listing)
    {
        Span<byte> position = stackalloc byte[PositionLength];
        return Cursor.TryRead(cursor, listing, position) ? new Guid(position) : null;
    }
}

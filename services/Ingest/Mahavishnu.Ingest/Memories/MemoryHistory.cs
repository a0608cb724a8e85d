using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /memories/{id}/history: what a memory was before each change, the latest change first; deleted memories too.</summary>
internal static class MemoryHistory
{
    private const int UsualLimit = 50;

    public static void Map(IEndpointRouteBuilder api) => api.MapGet($"/{Resources.Memories}/{{id}}/history", HandleAsync)
        .WithQuery(["limit", "cursor"]).WithName(nameof(MemoryHistory)).WithSummary("Former states of a memory, the latest change first")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);

    internal static async Task<Results<Ok<Page<MemoryVersion>>, ProblemHttpResult>> HandleAsync(
        Guid id, [FromQuery(Name = "limit")] int? limit, [FromQuery(Name = "cursor")] string? cursor, MemoryReadStore memories, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var size = KnownQuery.Limit(limit, UsualLimit, MemoryLimits.ListLimit, errors);
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var listing = Listing.ByNumber($"{Resources.Memories}/{id}/history");
        if (!listing.TryRead(cursor, out var below))
        {
            return Cursor.Refused();
        }

        return await memories.HistoryAsync(id, below, size, ct) is var (items, more)
            ? TypedResults.Ok(listing.Page(items, more, v => v.Version))
            : GetMemory.Missing(id);
    }
}

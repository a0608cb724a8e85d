using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /memories/{id}: one memory, or 304 where the caller has this version.</summary>
internal static class GetMemory
{
    public static void Map(IEndpointRouteBuilder api) => api.MapGet($"/{Resources.Memories}/{{id}}", HandleAsync)
        .WithQuery(["includeDeleted"]).WithName(nameof(GetMemory)).WithSummary("Read a memory")
        .ProducesProblem(StatusCodes.Status404NotFound);

    internal static async Task<Results<Ok<Memory>, StatusCodeHttpResult, ProblemHttpResult>> HandleAsync(
        Guid id, [FromQuery(Name = "includeDeleted")] bool? includeDeleted, MemoryReadStore memories, HttpRequest request, HttpResponse response, CancellationToken ct)
    {
        if (await memories.FindAsync(id, includeDeleted ?? false, ct) is not { } memory)
        {
            return Missing(id);
        }

        VersionTag.Write(response, memory.Version);
        return VersionTag.MatchesNoneOf(request, memory.Version) ? TypedResults.StatusCode(StatusCodes.Status304NotModified) : TypedResults.Ok(memory);
    }

    public static ProblemHttpResult Missing(Guid id) => Problems.NotFound($"There is no memory {id}.");
}

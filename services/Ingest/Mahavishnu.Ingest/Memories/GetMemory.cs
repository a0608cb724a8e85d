using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /memories/{id}: one memory, or 304 where the caller has this version; with <c>asOf</c>, as it was then.</summary>
internal static class GetMemory
{
    public static void Map(IEndpointRouteBuilder api) => api.MapGet($"/{Resources.Memories}/{{id}}", HandleAsync)
        .WithQuery(["includeDeleted", "asOf"]).WithName(nameof(GetMemory)).WithSummary("Read a memory")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);

    internal static async Task<Results<Ok<Memory>, StatusCodeHttpResult, ProblemHttpResult>> HandleAsync(
        Guid id, [FromQuery(Name = "includeDeleted")] bool? includeDeleted, [FromQuery(Name = "asOf")] string? asOf,
        MemoryReadStore memories, MemoryTimeStore past, InsightUsageCounter usage, HttpRequest request, HttpResponse response, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var time = KnownQuery.Time("asOf", asOf, errors);
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var found = time is { } then ? (await past.FindAsync([id], then, ct)).GetValueOrDefault(id) : await memories.FindAsync(id, includeDeleted: true, ct);
        if (found is not { } memory || memory.DeletedAt is not null && includeDeleted != true)
        {
            return time is null ? Missing(id) : Problems.NotFound($"There was no memory {id} at {WireTime.Format(time.Value)}.");
        }

        if (memory.Type == MemoryTypes.Insight)
        {
            usage.Read(id);
        }

        VersionTag.Write(response, memory.Version);
        return VersionTag.MatchesNoneOf(request, memory.Version) ? TypedResults.StatusCode(StatusCodes.Status304NotModified) : TypedResults.Ok(memory);
    }

    public static ProblemHttpResult Missing(Guid id) => Problems.NotFound($"There is no memory {id}.");
}

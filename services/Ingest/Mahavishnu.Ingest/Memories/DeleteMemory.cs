using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>DELETE /memories/{id} hides a memory; POST /memories/{id}:restore brings it back.</summary>
internal static class DeleteMemory
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapDelete($"/{Resources.Memories}/{{id}}", DeleteAsync)
            .WithQuery([]).WithName(nameof(DeleteMemory)).WithSummary("Delete a memory; it can be restored")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status412PreconditionFailed);
        api.MapPost($"/{Resources.Memories}/{{id}}:restore", RestoreAsync)
            .WithQuery([]).WithName("RestoreMemory").WithSummary("Bring a deleted memory back")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
    }

    internal static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, MemoryWriteStore memories, HttpRequest request, HttpResponse response, CancellationToken ct)
    {
        if (VersionTag.ReadIfMatch(request, required: false, out var version) is { } refused)
        {
            return refused;
        }

        var result = await memories.DeleteAsync(id, version, ct);
        return result.Status == ChangeStatus.Changed
            ? TypedResults.NoContent()
            : (ProblemHttpResult)PatchMemory.Answer(id, result, response).Result;
    }

    internal static async Task<Results<Ok<Memory>, ProblemHttpResult>> RestoreAsync(Guid id, MemoryWriteStore memories, HttpResponse response, CancellationToken ct) =>
        PatchMemory.Answer(id, await memories.RestoreAsync(id, ct), response);
}

using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /memories/{id}:erase: a memory, deleted or not, goes for good, and with it all that repeats it or points to it.</summary>
internal static class EraseMemory
{
    public static void Map(IEndpointRouteBuilder api) => api.MapPost($"/{Resources.Memories}/{{id}}:erase", HandleAsync)
        .WithQuery([]).WithName(nameof(EraseMemory)).WithSummary("Remove a memory for good, with its history, vectors and everything that points to it")
        .ProducesProblem(StatusCodes.Status404NotFound);

    internal static async Task<Results<NoContent, ProblemHttpResult>> HandleAsync(Guid id, MemoryWriteStore memories, CancellationToken ct) =>
        await memories.EraseAsync(id, ct) ? TypedResults.NoContent() : GetMemory.Missing(id);
}

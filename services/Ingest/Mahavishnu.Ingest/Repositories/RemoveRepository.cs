using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>DELETE /repositories/{repoId}: its chunks are removed for good; the directory can be ingested again.</summary>
internal static class RemoveRepository
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapDelete("/{repoId}", HandleAsync).WithQuery([]).WithName(nameof(RemoveRepository)).WithSummary("Remove a repository's memories")
            .ProducesProblem(StatusCodes.Status409Conflict);

    internal static async Task<Results<NoContent, ProblemHttpResult>> HandleAsync(string repoId, RepositoryStore store, CancellationToken ct)
    {
        if (await store.FindAsync(repoId, ct) is not { } repository)
        {
            return Problems.NotFound($"There is no repository '{repoId}'.");
        }

        if (repository.Status == OperationStates.Running)
        {
            return Problems.Conflict($"Repository '{repoId}' is being ingested. Cancel the operation first.");
        }

        await store.RemoveAsync(repoId, ct);
        return TypedResults.NoContent();
    }
}

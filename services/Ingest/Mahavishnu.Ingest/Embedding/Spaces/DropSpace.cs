using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>DELETE /embeddings/{id}: the space goes, with its vectors; its disk is free. What works on it is stopped first.</summary>
internal static class DropSpace
{
    public static void Map(IEndpointRouteBuilder spaces) =>
        spaces.MapDelete("/{id}", HandleAsync).WithQuery([]).WithName("DropEmbeddingSpace").WithSummary("Drop a space that is not the active one")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);

    internal static async Task<Results<NoContent, ProblemHttpResult>> HandleAsync(int id, EmbeddingSpaceStore spaces, OperationStore operations, CancellationToken ct)
    {
        if (await spaces.FindAsync(id, ct) is not { } space)
        {
            return ShowSpaces.Missing(id);
        }

        if (space.State != EmbeddingSpaceStates.Active)
        {
            foreach (var kind in (string[])[OperationKinds.EmbeddingSpace, OperationKinds.Index])
            {
                if (await operations.FindLatestAsync(kind, space.Subject, ct) is { } work && !OperationStates.IsFinal(work.State))
                {
                    await operations.CancelAsync(work.Id, ct);
                }
            }
        }

        // Who hangs up does not stop it: what is begun is ended by whoever looks after the spaces.
        return await spaces.DropAsync(space.Id, ct) switch
        {
            SpaceDrop.Dropped => TypedResults.NoContent(),
            SpaceDrop.Missing => ShowSpaces.Missing(id),
            _ => Problems.Conflict(FormattableString.Invariant($"Embedding space {id} is the active one: activate another one first.")),
        };
    }
}

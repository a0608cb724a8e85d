using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /embeddings/{id}:activate: from now on searches use this space. The one before takes every write on, so that activating it goes back.</summary>
internal static class ActivateSpace
{
    public static void Map(IEndpointRouteBuilder spaces) =>
        spaces.MapPost("/{id}:activate", HandleAsync).WithQuery([]).WithName("ActivateEmbeddingSpace").WithSummary("Search with this space from now on")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    internal static async Task<Results<Ok<SpaceActivation>, ProblemHttpResult>> HandleAsync(
        int id, HttpRequest request, EmbeddingSpaceStore spaces, OperationStore operations, ActivationGate gate, CancellationToken ct)
    {
        var force = (await RequestBody.OptionalAsync<ActivateSpaceRequest>(request, ct))?.Force == true;
        if (await spaces.FindAsync(id, ct) is not { } space)
        {
            return ShowSpaces.Missing(id);
        }

        if (!force && space is { FilledAt: null, State: not EmbeddingSpaceStates.Active })
        {
            return Problems.Conflict(await HowFarAsync(space, operations, ct));
        }

        var (comparison, refusal) = force ? (null, null) : await gate.CheckAsync(space, ct);
        if (refusal is not null)
        {
            return refusal;
        }

        return await spaces.ActivateAsync(space.Id, ct) is { } done
            ? TypedResults.Ok(new SpaceActivation(done.Space.Id, done.Space.Model, done.PreviousId, comparison))
            : Problems.Conflict(FormattableString.Invariant($"Embedding space {id} is being dropped."));
    }

    /// <summary>Why it would be too early.</summary>
    private static async Task<string> HowFarAsync(EmbeddingSpace space, OperationStore operations, CancellationToken ct)
    {
        var said = FormattableString.Invariant($"Embedding space {space.Id} of {space.Model} is not filled yet");
        return await operations.FindLatestAsync(OperationKinds.EmbeddingSpace, space.Subject, ct) switch
        {
            { Progress: { Total: { } total } progress } fill when !OperationStates.IsFinal(fill.State) =>
                FormattableString.Invariant($"{said}: {progress.Done:N0} of {total:N0} memories, by operation {fill.Id}. Searches would miss the others by their meaning."),
            { } fill when !OperationStates.IsFinal(fill.State) => $"{said}: operation {fill.Id} has just begun.",
            _ => $"{said}, and nobody fills it: add it again, which goes on where it stopped.",
        };
    }
}

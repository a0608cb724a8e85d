using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /memories: one memory, durable and findable by words when the answer comes.</summary>
internal static class AddMemory
{
    public static void Map(IEndpointRouteBuilder api) => api.MapPost($"/{Resources.Memories}", HandleAsync)
        .WithQuery([]).WithName(nameof(AddMemory)).WithSummary("Store a memory; a duplicate answers with the one that is there")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);

    internal static async Task<Results<Created<Memory>, Ok<Memory>, ProblemHttpResult>> HandleAsync(
        JsonBody<NewMemory> body, MemoryWriteStore memories, MemoryReadStore read, TimeProvider time, HttpResponse response, CancellationToken ct)
    {
        var errors = new FieldErrors();
        if (MemoryInput.Read(body.Value, time.GetUtcNow(), errors) is not { } draft)
        {
            return errors.ToProblem();
        }

        var outcome = (await memories.WriteAsync([draft], WriteMode.Insert, ct))[0];
        if (Refused(outcome) is { } refused)
        {
            return refused;
        }

        if (await read.FindAsync(outcome.Id, includeDeleted: true, ct) is not { } memory)
        {
            return Problems.Conflict("The memory was stored, and removed by somebody else before it could be read back.");
        }

        VersionTag.Write(response, memory.Version);
        return outcome.Status == WriteStatus.Created
            ? TypedResults.Created($"{Resources.Api}/{Resources.Memories}/{memory.Id}", memory)
            : TypedResults.Ok(memory with { Duplicate = true });
    }

    public static ProblemHttpResult? Refused(WriteOutcome outcome) => outcome switch
    {
        { Status: WriteStatus.Missing } => Problems.Validation(outcome.Field, outcome.Reason!, ErrorCodes.NotFound, StatusCodes.Status404NotFound),
        { Status: WriteStatus.Conflict, Field: "supersedes" } => Problems.Validation(outcome.Field, outcome.Reason!, ErrorCodes.Conflict, StatusCodes.Status409Conflict),
        { Status: WriteStatus.Conflict } => Problems.Conflict(outcome.Reason!),
        _ => null,
    };
}

using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /workflows: an execution that starts, or one that is over and is recorded as a whole.</summary>
internal static class AddWorkflow
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("", HandleAsync)
        .WithQuery([]).WithName(nameof(AddWorkflow)).WithSummary("Start an execution of a workflow, or record one that is over")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status409Conflict);

    internal static async Task<Results<Created<WorkflowExecution>, Ok<WorkflowExecution>, ProblemHttpResult>> HandleAsync(
        JsonBody<NewWorkflow> body, WorkflowStore workflows, WorkflowReadStore read, StorageTelemetry telemetry, TimeProvider time, CancellationToken ct)
    {
        var errors = new FieldErrors();
        if (WorkflowDraft.Read(body.Value, time.GetUtcNow(), errors) is not { } draft)
        {
            return errors.ToProblem();
        }

        var outcome = await workflows.AddAsync(draft, ct);
        telemetry.Stored([(MemoryTypes.Workflow, outcome.Status)]);
        if (outcome.Status == WriteStatus.Conflict)
        {
            return Problems.Conflict(outcome.Reason!);
        }

        if (await read.FindAsync(draft.Id, ct) is not { } execution)
        {
            return Problems.Conflict("The execution was stored, and its memory deleted by somebody else before it could be read back.");
        }

        return outcome.Status == WriteStatus.Created
            ? TypedResults.Created($"{Resources.Api}/{Resources.Workflows}/{execution.Id}", execution)
            : TypedResults.Ok(execution);
    }
}

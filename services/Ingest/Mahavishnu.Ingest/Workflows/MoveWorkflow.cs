using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /workflows/{id}:start, :finish, :fail and :cancel. Said twice the same way it is said once; said otherwise it is a conflict.</summary>
internal static class MoveWorkflow
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        Describe(routes.MapPost("/{id}:start", StartAsync), "StartWorkflow", "Say that a pending execution has started").Accepts<StartWorkflowRequest>(true, RequestBody.Json);
        Describe(routes.MapPost("/{id}:finish", FinishAsync), "FinishWorkflow", "Say that an execution completed").Accepts<FinishWorkflowRequest>(true, RequestBody.Json);
        Describe(routes.MapPost("/{id}:fail", FailAsync), "FailWorkflow", "Say that an execution failed, and why");
        Describe(routes.MapPost("/{id}:cancel", CancelAsync), "CancelWorkflow", "Say that an execution was cancelled").Accepts<CancelWorkflowRequest>(true, RequestBody.Json);
    }

    internal static async Task<Results<Ok<WorkflowExecution>, ProblemHttpResult>> StartAsync(
        Guid id, HttpRequest request, WorkflowStore workflows, WorkflowReadStore read, TimeProvider time, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var body = await RequestBody.OptionalAsync<StartWorkflowRequest>(request, ct);
        var started = MemoryFields.Time("startedAt", body?.StartedAt, errors);
        return errors.Any ? errors.ToProblem() : await MoveAsync(id, new WorkflowMove(WorkflowStatuses.Running, time.GetUtcNow()) { At = started }, workflows, read, ct);
    }

    internal static async Task<Results<Ok<WorkflowExecution>, ProblemHttpResult>> FinishAsync(
        Guid id, HttpRequest request, WorkflowStore workflows, WorkflowReadStore read, TimeProvider time, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var body = await RequestBody.OptionalAsync<FinishWorkflowRequest>(request, ct) ?? new FinishWorkflowRequest();
        var move = End(WorkflowStatuses.Completed, body.FinishedAt, body.DurationSeconds, time, errors) with { Result = WorkflowInput.Result(body.Result, errors) };
        return errors.Any ? errors.ToProblem() : await MoveAsync(id, move, workflows, read, ct);
    }

    internal static async Task<Results<Ok<WorkflowExecution>, ProblemHttpResult>> FailAsync(
        Guid id, JsonBody<FailWorkflowRequest> given, WorkflowStore workflows, WorkflowReadStore read, TimeProvider time, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var body = given.Value;
        var move = End(WorkflowStatuses.Failed, body.FinishedAt, body.DurationSeconds, time, errors) with
        {
            Result = WorkflowInput.Result(body.Result, errors),
            Error = WorkflowInput.RequiredError(body.Error, errors),
        };
        return errors.Any ? errors.ToProblem() : await MoveAsync(id, move, workflows, read, ct);
    }

    internal static async Task<Results<Ok<WorkflowExecution>, ProblemHttpResult>> CancelAsync(
        Guid id, HttpRequest request, WorkflowStore workflows, WorkflowReadStore read, TimeProvider time, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var body = await RequestBody.OptionalAsync<CancelWorkflowRequest>(request, ct) ?? new CancelWorkflowRequest();
        var move = End(WorkflowStatuses.Cancelled, body.FinishedAt, body.DurationSeconds, time, errors) with { Error = WorkflowInput.Error("reason", body.Reason, errors) };
        return errors.Any ? errors.ToProblem() : await MoveAsync(id, move, workflows, read, ct);
    }

    private static RouteHandlerBuilder Describe(RouteHandlerBuilder route, string name, string summary) => route
        .WithQuery([]).WithName(name).WithSummary(summary)
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);

    private static WorkflowMove End(string status, DateTimeOffset? finishedAt, double? seconds, TimeProvider time, FieldErrors errors) =>
        new(status, time.GetUtcNow()) { At = MemoryFields.Time("finishedAt", finishedAt, errors), Seconds = WorkflowInput.Seconds(seconds, errors) };

    private static async Task<Results<Ok<WorkflowExecution>, ProblemHttpResult>> MoveAsync(
        Guid id, WorkflowMove move, WorkflowStore workflows, WorkflowReadStore read, CancellationToken ct) =>
        await workflows.MoveAsync(id, move, ct) is { } refused ? refused
        : await read.FindAsync(id, ct) is { } execution ? TypedResults.Ok(execution)
        : ReadWorkflows.Missing(id);
}

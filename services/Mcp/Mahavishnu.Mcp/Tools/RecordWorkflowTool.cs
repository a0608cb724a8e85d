using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Mahavishnu.Contracts;

namespace Mahavishnu.Mcp;

internal sealed record RecordWorkflowArguments
{
    [Description("What kind of work: the name its runs share, such as release or fix-flaky-test")]
    public required string WorkflowId { get; init; }

    [Description("What it was to achieve; later runs are compared by it")]
    public required string Goal { get; init; }

    [AllowedValues(WorkflowStatuses.Pending, WorkflowStatuses.Running, WorkflowStatuses.Completed, WorkflowStatuses.Failed, WorkflowStatuses.Cancelled)]
    public required string Status { get; init; }

    [Description("What came of it and how it was done")]
    public string? Result { get; init; }

    [Description("Why it failed (then required) or was cancelled")]
    public string? Error { get; init; }

    public IReadOnlyList<string>? Repos { get; init; }

    public string? ProjectId { get; init; }

    public string? SessionId { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    [Description("Of the run recorded as running, to say how it ended")]
    public Guid? Id { get; init; }
}

internal sealed record RecordedWorkflow(Guid Id, string Uri, string WorkflowId, string Status, string Embedding)
{
    public double? DurationSeconds { get; init; }
}

/// <summary>Records a run of a piece of work: as a whole, or its beginning and later its end.</summary>
internal sealed class RecordWorkflowTool(WorkflowsClient workflows) : MemoryTool<RecordWorkflowArguments, RecordedWorkflow>(
    "record_workflow", "Record a run",
    "Record that a task with several steps was run and how it ended, so that the next knows what worked and what failed. Call it when such a task is over, above all when it failed; "
    + "to learn of former runs call search_memories with types workflow.",
    ToolEffects.Appends)
{
    private const string Adapter = "mcp";

    protected override async Task<ToolAnswer<RecordedWorkflow>> AnswerAsync(RecordWorkflowArguments arguments, CancellationToken ct)
    {
        var execution = await RecordAsync(arguments, ct);
        var uri = ResourceUris.Memory(execution.MemoryId);
        var recorded = new RecordedWorkflow(execution.Id, uri, execution.WorkflowId, execution.Status, execution.Embedding) { DurationSeconds = execution.DurationSeconds };
        return new(recorded, WorkflowStatuses.IsFinal(execution.Status)
            ? $"Recorded as {execution.Status}: {uri}"
            : $"Recorded as {execution.Status}: {uri}. Call again with id {execution.Id} when it is over.");
    }

    private async Task<WorkflowExecution> RecordAsync(RecordWorkflowArguments arguments, CancellationToken ct)
    {
        var result = arguments.Result is { } text ? JsonSerializer.SerializeToElement(text) : (JsonElement?)null;
        try
        {
            return await workflows.AddAsync(
                new NewWorkflow
                {
                    Id = arguments.Id?.ToString(),
                    WorkflowId = arguments.WorkflowId,
                    Adapter = Adapter,
                    Status = arguments.Status,
                    Goal = arguments.Goal,
                    Result = result,
                    Error = arguments.Error,
                    Repos = arguments.Repos,
                    ProjectId = arguments.ProjectId,
                    SessionId = arguments.SessionId,
                    StartedAt = arguments.StartedAt,
                },
                ct);
        }
        catch (ApiException e) when (e.Code == ErrorCodes.Conflict && arguments.Id is not null && WorkflowStatuses.IsFinal(arguments.Status))
        {
            // The run is there. Whether it is this one, and still open, decides if its end is meant.
            var there = await workflows.GetAsync(arguments.Id.Value, ct);
            if (there.WorkflowId != arguments.WorkflowId || there.Goal != arguments.Goal.Trim() || WorkflowStatuses.IsFinal(there.Status))
            {
                throw;
            }

            return arguments.Status switch
            {
                WorkflowStatuses.Completed => await workflows.FinishAsync(there.Id, new FinishWorkflowRequest { Result = result }, ct),
                WorkflowStatuses.Failed => await workflows.FailAsync(there.Id, new FailWorkflowRequest { Error = arguments.Error, Result = result }, ct),
                _ => await workflows.CancelAsync(there.Id, new CancelWorkflowRequest { Reason = arguments.Error }, ct),
            };
        }
    }
}

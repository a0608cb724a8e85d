using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Mahavishnu.Ingest;

/// <summary>What somebody says has become of an execution.</summary>
/// <param name="Status">Running, or a final one.</param>
internal sealed record WorkflowMove(string Status, DateTimeOffset Now)
{
    /// <summary>When it began or ended, if that was said.</summary>
    public DateTimeOffset? At { get; init; }
    public double? Seconds { get; init; }
    public string? Result { get; init; }
    public string? Error { get; init; }

    /// <summary>Decides what follows: a new state, a refusal, or neither where it was said before.</summary>
    public (WorkflowState? After, ProblemHttpResult? Refused) On(WorkflowState before)
    {
        if (before.Status == Status)
        {
            return (null, Contradiction(before) is { } field ? Problems.Conflict($"The execution is {Status} already, with another {field}.") : null);
        }

        if (WorkflowStatuses.IsFinal(before.Status))
        {
            return (null, Problems.Conflict($"The execution is {before.Status}; it cannot become {Status}."));
        }

        if (Status == WorkflowStatuses.Running)
        {
            return (before with { Status = Status, StartedAt = At ?? Now }, null);
        }

        var errors = new FieldErrors();
        // A start by a clock that is ahead of ours is no reason to refuse the end.
        var finished = At ?? (before.StartedAt > Now ? before.StartedAt.Value : Now);
        var after = WorkflowInput.End(before with { Result = Result, Error = Error }, Status, finished, Seconds, errors);
        return errors.Any ? (null, errors.ToProblem()) : (after, null);
    }

    /// <summary>What was said otherwise before; what is left unsaid now contradicts nothing.</summary>
    private string? Contradiction(WorkflowState before)
    {
        var started = Status == WorkflowStatuses.Running;
        return Result is { } result && (before.Result is not { } other || !JsonElement.DeepEquals(JsonElement.Parse(result), JsonElement.Parse(other))) ? "result"
            : Error is { } error && !string.Equals(error, before.Error, StringComparison.Ordinal) ? "error"
            : At is { } at && !Same(at, started ? before.StartedAt : before.FinishedAt) ? started ? "start" : "end"
            : Seconds is { } seconds && !seconds.Equals(before.Seconds) ? "duration"
            : null;
    }

    // PostgreSQL keeps microseconds.
    private static bool Same(DateTimeOffset a, DateTimeOffset? b) => a.UtcTicks / TimeSpan.TicksPerMicrosecond == b?.UtcTicks / TimeSpan.TicksPerMicrosecond;
}

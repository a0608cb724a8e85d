using System.Globalization;
using System.Text;
using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>What clients say about how an execution stands, and what may be said when.</summary>
internal static class WorkflowInput
{
    public static WorkflowState State(NewWorkflow given, string status, DateTimeOffset now, FieldErrors errors)
    {
        var over = WorkflowStatuses.IsFinal(status);
        foreach (var (field, isGiven) in new[]
        {
            ("result", given.Result is { ValueKind: not JsonValueKind.Null }), ("error", given.Error is not null), ("finishedAt", given.FinishedAt is not null), ("durationSeconds", given.DurationSeconds is not null),
        })
        {
            if (isGiven && !over)
            {
                errors.Add(field, $"An execution that is {status} has none yet.");
            }
        }

        if (status == WorkflowStatuses.Completed && given.Error is not null)
        {
            errors.Add("error", "An execution that completed has none.");
        }

        if (status == WorkflowStatuses.Pending && given.StartedAt is not null)
        {
            errors.Add("startedAt", "An execution that is pending has not started yet.");
        }

        var seconds = Seconds(given.DurationSeconds, errors);
        var (started, finished) = (MemoryFields.Time("startedAt", given.StartedAt, errors), MemoryFields.Time("finishedAt", given.FinishedAt, errors));
        var state = new WorkflowState(status)
        {
            Result = Result(given.Result, errors),
            Error = status == WorkflowStatuses.Failed ? RequiredError(given.Error, errors) : Error("error", given.Error, errors),
            StartedAt = started,
        };
        if (errors.Any || !over)
        {
            return state with { StartedAt = status == WorkflowStatuses.Running ? started ?? now : started };
        }

        // Of three that belong together two are enough.
        var end = finished ?? (started is { } s && seconds is { } length ? s.AddSeconds(length) : now);
        return End(state with { StartedAt = started ?? (seconds is { } took ? end.AddSeconds(-took) : null) }, status, finished ?? end, seconds, errors);
    }

    /// <summary>The state that ends an execution.</summary>
    /// <param name="before">How it stood, with what its end brings but the times.</param>
    public static WorkflowState End(WorkflowState before, string status, DateTimeOffset finishedAt, double? seconds, FieldErrors errors)
    {
        if (finishedAt < before.StartedAt)
        {
            errors.Add("finishedAt", $"The value must not be earlier than the start, {WireTime.Format(before.StartedAt.Value)}.");
        }

        return before with { Status = status, FinishedAt = finishedAt, Seconds = seconds ?? (before.StartedAt is { } started ? (finishedAt - started).TotalSeconds : null) };
    }

    public static string? Result(JsonElement? given, FieldErrors errors) =>
        MemoryFields.Json("result", given, WorkflowLimits.PayloadBytes, WorkflowLimits.PayloadDepth, errors);

    public static string? RequiredError(string? given, FieldErrors errors)
    {
        if (given is null)
        {
            errors.Add("error", "A value is required: why did it fail?");
        }

        return Error("error", given, errors);
    }

    public static string? Error(string field, string? given, FieldErrors errors)
    {
        if (given is null)
        {
            return null;
        }

        var error = TextSanitizer.Clean(given).Trim();
        if (error.Length == 0)
        {
            errors.Add(field, "The value must not be blank.");
        }
        else if (error.Length > WorkflowLimits.PayloadBytes / 3 && Encoding.UTF8.GetByteCount(error) is > WorkflowLimits.PayloadBytes and var bytes)
        {
            errors.Add(field, string.Create(CultureInfo.InvariantCulture, $"The value has {bytes:N0} bytes of UTF-8; at most {WorkflowLimits.PayloadBytes:N0} are allowed."));
        }

        return error;
    }

    public static double? Seconds(double? given, FieldErrors errors)
    {
        // A thousand years: what is longer is no duration but a mistake, and leaves the calendar.
        if (given is < 0 or > 1_000 * 365.25 * 86_400)
        {
            errors.Add("durationSeconds", "The value must be a number of seconds, 0 or more.");
        }

        return given;
    }
}

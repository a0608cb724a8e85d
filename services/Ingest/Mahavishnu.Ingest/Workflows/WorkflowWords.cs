using System.Globalization;
using Mahavishnu.Contracts;

namespace Mahavishnu.Ingest;

/// <summary>An execution in words: what its memory says, and is found by.</summary>
internal static class WorkflowWords
{
    // A stack trace would drown the goal; the execution has all of it.
    private const int LongestError = 1_000;

    public static string Title(string workflowId, string goal)
    {
        var title = $"{workflowId}: {goal.Split('\n', 2)[0].TrimEnd()}";
        return title.Length <= MemoryLimits.NameLength ? title : Cut(title, MemoryLimits.NameLength);
    }

    public static string Content(string workflowId, string adapter, IReadOnlyList<string> repos, string goal, WorkflowState state)
    {
        var on = repos.Count == 0 ? "" : $" on {string.Join(", ", repos)}";
        var why = state.Error is { } error ? ": " + Cut(error, LongestError) : ".";
        var outcome = state.Status switch
        {
            WorkflowStatuses.Pending => "has not started.",
            WorkflowStatuses.Running => "is running.",
            WorkflowStatuses.Completed => $"completed{In(state.Seconds)}.",
            WorkflowStatuses.Failed => $"failed{In(state.Seconds, "after")}{why}",
            _ => $"was cancelled{In(state.Seconds, "after")}{why}",
        };
        return $"{goal}\n\n{workflowId} ({adapter}){on} {outcome}";
    }

    private static string In(double? seconds, string preposition = "in") =>
        seconds is { } s ? string.Create(CultureInfo.InvariantCulture, $" {preposition} {s:0.#} s") : "";

    /// <summary>Never between the halves of a character.</summary>
    private static string Cut(string text, int length) =>
        text.Length <= length ? text : string.Concat(text.AsSpan(0, length - 1 - (char.IsHighSurrogate(text[length - 2]) ? 1 : 0)), "…");
}

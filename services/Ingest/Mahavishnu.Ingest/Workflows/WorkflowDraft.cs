using System.Globalization;
using System.Text.Json.Nodes;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;

namespace Mahavishnu.Ingest;

/// <summary>What changes while an execution goes on, checked and clean. JSON is text.</summary>
internal sealed record WorkflowState(string Status)
{
    public string? Result { get; init; }
    public string? Error { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public double? Seconds { get; init; }
}

/// <summary>An execution on its way in, checked and clean. JSON is text.</summary>
/// <param name="IdGiven">True when the client chose the id.</param>
internal sealed record WorkflowDraft(Guid Id, bool IdGiven, string WorkflowId, string Adapter, string Goal, WorkflowState State)
{
    public IReadOnlyList<string> Repos { get; init; } = [];
    public string? Input { get; init; }
    public string? ProjectId { get; init; }
    public string? SessionId { get; init; }
    public string? AgentId { get; init; }
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>The client's own and the server's.</summary>
    public string Metadata { get; init; } = "{}";

    /// <returns>Null when something is wrong; <paramref name="errors"/> says what.</returns>
    public static WorkflowDraft? Read(NewWorkflow given, DateTimeOffset now, FieldErrors errors)
    {
        var id = MemoryFields.Id(given.Id, errors);
        var status = given.Status ?? WorkflowStatuses.Running;
        if (!WorkflowStatuses.All.Contains(status, StringComparer.Ordinal))
        {
            errors.Add("status", $"The value must be one of {string.Join(", ", WorkflowStatuses.All)}.");
        }

        var adapter = Required("adapter", given.Adapter, errors);
        var repos = ReposOf(given.Repos, errors);
        var draft = new WorkflowDraft(
            id ?? Guid.CreateVersion7(now), id is not null, Required("workflowId", given.WorkflowId, errors), adapter, GoalOf(given.Goal, errors), WorkflowInput.State(given, status, now, errors))
        {
            Repos = repos,
            Input = MemoryFields.Json("input", given.Input, WorkflowLimits.PayloadBytes, WorkflowLimits.PayloadDepth, errors),
            ProjectId = MemoryFields.Name("projectId", given.ProjectId, errors),
            SessionId = MemoryFields.Name("sessionId", given.SessionId, errors),
            AgentId = MemoryFields.Name("agentId", given.AgentId, errors),
            Tags = MemoryFields.Tags(given.Tags, errors),
            Metadata = OwnMetadata.Add(
                MemoryFields.Metadata(given.Metadata, errors), errors,
                ("adapter", adapter), ("status", status), ("repos", new JsonArray([.. repos.Select(r => (JsonNode)r)]))),
        };
        return errors.Any ? null : draft;
    }

    /// <summary>Its memory: the goal, and what became of it.</summary>
    public MemoryDraft ToMemory(DateTimeOffset now) => new()
    {
        Id = Id,
        IdGiven = IdGiven,
        Type = MemoryTypes.Workflow,
        Source = Adapter,
        Title = WorkflowWords.Title(WorkflowId, Goal),
        Content = WorkflowWords.Content(WorkflowId, Adapter, Repos, Goal, State),
        Tags = Tags,
        AgentId = AgentId,
        WorkflowId = WorkflowId,
        RepoId = Repos is [var one] ? one : null,
        ProjectId = ProjectId,
        SessionId = SessionId,
        Metadata = Metadata,
        OccurredAt = State.StartedAt ?? State.FinishedAt ?? now,
    };

    private static string Required(string field, string? given, FieldErrors errors)
    {
        if (given is null)
        {
            errors.Add(field, "A value is required.");
        }

        return MemoryFields.Name(field, given, errors) ?? "";
    }

    private static string GoalOf(string? given, FieldErrors errors)
    {
        var goal = TextSanitizer.Clean(given ?? "").Trim();
        if (goal.Length == 0)
        {
            errors.Add("goal", given is null ? "A value is required." : "The value must not be blank.");
        }
        else if (goal.Length > WorkflowLimits.Goal)
        {
            errors.Add("goal", string.Create(CultureInfo.InvariantCulture, $"The value has {goal.Length:N0} characters; at most {WorkflowLimits.Goal:N0} are allowed."));
        }

        return goal;
    }

    private static List<string> ReposOf(IReadOnlyList<string?>? given, FieldErrors errors)
    {
        if (given is { Count: > WorkflowLimits.Repos })
        {
            errors.Add("repos", string.Create(CultureInfo.InvariantCulture, $"There are {given.Count:N0} repositories; at most {WorkflowLimits.Repos} are allowed."));
            return [];
        }

        return [.. (given ?? []).Select((repo, i) => MemoryFields.Name(FormattableString.Invariant($"repos[{i}]"), repo ?? "", errors)!).Distinct(StringComparer.Ordinal)];
    }
}

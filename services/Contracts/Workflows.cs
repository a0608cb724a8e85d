using System.Text.Json;

namespace Mahavishnu.Contracts;

/// <summary>How an execution stands.</summary>
public static class WorkflowStatuses
{
    public const string Pending = "pending";
    public const string Running = "running";
    public const string Completed = "completed";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";

    public static IReadOnlyList<string> All { get; } = [Pending, Running, Completed, Failed, Cancelled];

    /// <summary>True once nothing more will happen to the execution.</summary>
    public static bool IsFinal(string status) => status is Completed or Failed or Cancelled;
}

/// <summary>Limits of an execution; what exceeds them is refused, never cut.</summary>
public static class WorkflowLimits
{
    /// <summary>Characters; a goal is also a question.</summary>
    public const int Goal = SearchRequest.MaxQueryLength;
    public const int Repos = 100;

    /// <summary>Bytes of UTF-8 of the input, the result and the error, each.</summary>
    public const int PayloadBytes = 1024 * 1024;
    public const int PayloadDepth = 32;

    /// <summary>Groups of one recall.</summary>
    public const int RecallGroups = 50;

    /// <summary>Characters of an error in the answer to a recall; the execution has all of it.</summary>
    public const int RecalledError = 1_000;
}

/// <summary>Body of <c>POST /workflows</c>: an execution that starts, or with a final <see cref="Status"/> one that is over.</summary>
public sealed record NewWorkflow
{
    /// <summary>A UUID chosen by the client (version 7 by preference); absent: the server makes one. Its memory bears the same.</summary>
    public string? Id { get; init; }

    /// <summary>Which workflow: the name that its executions share.</summary>
    public string? WorkflowId { get; init; }

    /// <summary>What runs it, such as <c>prefect</c>, <c>llamaindex</c> or <c>agno</c>; the memory's source.</summary>
    public string? Adapter { get; init; }

    /// <summary>One of <see cref="WorkflowStatuses"/>; default running.</summary>
    public string? Status { get; init; }

    /// <summary>The repositories it works on.</summary>
    public IReadOnlyList<string?>? Repos { get; init; }

    /// <summary>What it is to achieve, in words: what a later recall finds it by.</summary>
    public string? Goal { get; init; }

    /// <summary>Any JSON.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>Any JSON; of one that is over.</summary>
    public JsonElement? Result { get; init; }

    /// <summary>Why it failed (then required) or was cancelled.</summary>
    public string? Error { get; init; }
    public string? ProjectId { get; init; }
    public string? SessionId { get; init; }
    public string? AgentId { get; init; }
    public IReadOnlyList<string?>? Tags { get; init; }

    /// <summary>A JSON object. The server adds <c>adapter</c>, <c>status</c> and <c>repos</c>.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>Default: now, for one that runs.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Default: now, for one that is over.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Default: the time between start and end.</summary>
    public double? DurationSeconds { get; init; }
}

/// <summary>Body of <c>POST /workflows/{id}:start</c>; optional.</summary>
public sealed record StartWorkflowRequest
{
    public DateTimeOffset? StartedAt { get; init; }
}

/// <summary>Body of <c>POST /workflows/{id}:finish</c>; optional.</summary>
public sealed record FinishWorkflowRequest
{
    /// <summary>Any JSON.</summary>
    public JsonElement? Result { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public double? DurationSeconds { get; init; }
}

/// <summary>Body of <c>POST /workflows/{id}:fail</c>.</summary>
public sealed record FailWorkflowRequest
{
    public string? Error { get; init; }

    /// <summary>Any JSON: what there is all the same.</summary>
    public JsonElement? Result { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public double? DurationSeconds { get; init; }
}

/// <summary>Body of <c>POST /workflows/{id}:cancel</c>; optional.</summary>
public sealed record CancelWorkflowRequest
{
    public string? Reason { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public double? DurationSeconds { get; init; }
}

/// <summary>An execution as it is read.</summary>
public sealed record WorkflowExecution
{
    public required Guid Id { get; init; }
    public required string WorkflowId { get; init; }
    public required string Adapter { get; init; }

    /// <summary>One of <see cref="WorkflowStatuses"/>.</summary>
    public required string Status { get; init; }
    public IReadOnlyList<string> Repos { get; init; } = [];
    public required string Goal { get; init; }
    public JsonElement? Input { get; init; }
    public JsonElement? Result { get; init; }

    /// <summary>Why it failed or was cancelled.</summary>
    public string? Error { get; init; }
    public string? ProjectId { get; init; }
    public string? SessionId { get; init; }
    public string? AgentId { get; init; }
    public IReadOnlyList<string> Tags { get; init; } = [];
    public JsonElement Metadata { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public double? DurationSeconds { get; init; }

    /// <summary>When it came in here.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The memory that says in words what it was about and what became of it.</summary>
    public required Guid MemoryId { get; init; }

    /// <summary>One of <see cref="EmbeddingStates"/>.</summary>
    public required string Embedding { get; init; }
}

/// <summary>Body of <c>POST /workflows/recall</c>: how was something like this done before, did it work, what failed?</summary>
public sealed record RecallRequest
{
    public const int UsualLimit = 5;

    public string? Goal { get; init; }
    public string? ProjectId { get; init; }

    /// <summary>Only executions on this repository, among others perhaps.</summary>
    public string? RepoId { get; init; }
    public string? Adapter { get; init; }

    /// <summary>Only executions that began then or later.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Most groups, 1 to <see cref="WorkflowLimits.RecallGroups"/>; default 5.</summary>
    public int? Limit { get; init; }
}

/// <param name="Groups">Most similar first.</param>
/// <param name="Model">The embedding model of the active space; null while there is none.</param>
/// <param name="Degraded">What was missing, as codes of <see cref="ErrorCodes.Degraded"/>.</param>
public sealed record RecallResponse(IReadOnlyList<RecallGroup> Groups, string? Model, IReadOnlyList<string> Degraded);

/// <summary>Executions of the same workflow or with the same goal: all there are, not only those that the question found.</summary>
public sealed record RecallGroup
{
    /// <summary>Of the execution that is most similar to the question.</summary>
    public required string Goal { get; init; }
    public required string WorkflowId { get; init; }

    /// <summary>1 − cosine distance of that execution to the question; null where only words were searched.</summary>
    public double? Similarity { get; init; }
    public int Runs { get; init; }
    public int Completed { get; init; }
    public int Failed { get; init; }
    public int Cancelled { get; init; }

    /// <summary>Those that are not over, begun or not.</summary>
    public int Running { get; init; }

    /// <summary>Completed of those that completed or failed; null where none did. A cancelled one says neither.</summary>
    public double? SuccessRate { get; init; }

    /// <summary>Of those that completed.</summary>
    public double? MedianSeconds { get; init; }
    public DateTimeOffset LastRunAt { get; init; }

    /// <summary>At most three, the latest first.</summary>
    public IReadOnlyList<RecalledFailure> LastFailures { get; init; } = [];
    public RecalledSuccess? LastSuccess { get; init; }
}

/// <param name="Error">Its first <see cref="WorkflowLimits.RecalledError"/> characters.</param>
public sealed record RecalledFailure(Guid Id, string? Error, DateTimeOffset? FinishedAt);

public sealed record RecalledSuccess(Guid Id, DateTimeOffset? FinishedAt, double? DurationSeconds);

/// <summary>Typed client of <c>/workflows</c>.</summary>
/// <exception cref="ApiException">Any method: the server refused, and said why.</exception>
public sealed class WorkflowsClient(HttpClient http)
{
    public Task<WorkflowExecution> AddAsync(NewWorkflow workflow, CancellationToken ct = default) =>
        http.SendAsync<WorkflowExecution>(HttpMethod.Post, "/workflows", workflow, ct);

    public Task<WorkflowExecution> StartAsync(Guid id, StartWorkflowRequest? request = null, CancellationToken ct = default) =>
        http.SendAsync<WorkflowExecution>(HttpMethod.Post, $"/workflows/{id}:start", request, ct);

    public Task<WorkflowExecution> FinishAsync(Guid id, FinishWorkflowRequest? request = null, CancellationToken ct = default) =>
        http.SendAsync<WorkflowExecution>(HttpMethod.Post, $"/workflows/{id}:finish", request, ct);

    public Task<WorkflowExecution> FailAsync(Guid id, FailWorkflowRequest request, CancellationToken ct = default) =>
        http.SendAsync<WorkflowExecution>(HttpMethod.Post, $"/workflows/{id}:fail", request, ct);

    public Task<WorkflowExecution> CancelAsync(Guid id, CancelWorkflowRequest? request = null, CancellationToken ct = default) =>
        http.SendAsync<WorkflowExecution>(HttpMethod.Post, $"/workflows/{id}:cancel", request, ct);

    public Task<WorkflowExecution> GetAsync(Guid id, CancellationToken ct = default) =>
        http.SendAsync<WorkflowExecution>(HttpMethod.Get, $"/workflows/{id}", null, ct);

    /// <param name="filter">The query string's parameters as wire names and values (<c>workflowId</c>, <c>adapter</c>, <c>status</c>, <c>limit</c>, …).</param>
    public Task<Page<WorkflowExecution>> ListAsync(IEnumerable<KeyValuePair<string, string?>> filter, CancellationToken ct = default) =>
        http.SendAsync<Page<WorkflowExecution>>(HttpMethod.Get, "/workflows" + ApiHttp.Query([.. filter.Select(f => (f.Key, f.Value))]), null, ct);

    public Task<RecallResponse> RecallAsync(RecallRequest request, CancellationToken ct = default) =>
        http.SendAsync<RecallResponse>(HttpMethod.Post, "/workflows/recall", request, ct);
}

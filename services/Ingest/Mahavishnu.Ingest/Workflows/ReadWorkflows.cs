using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /workflows, newest arrivals first, and /workflows/{id}. <c>after</c> (inclusive) and <c>before</c> (exclusive) are about the start.</summary>
internal static class ReadWorkflows
{
    private const int UsualLimit = 50;

    private static readonly string[] Parameters = ["workflowId", "adapter", "status", "projectId", "repoId", "after", "before", "limit", "cursor"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("", ListAsync).WithQuery(Parameters).WithName("ListWorkflows").WithSummary("List executions of workflows, newest arrivals first")
            .ProducesValidationProblem();
        routes.MapGet("/{id}", GetAsync).WithQuery([]).WithName("GetWorkflow").WithSummary("Read one execution")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed record Query(
        [property: FromQuery(Name = "workflowId")] string? WorkflowId,
        [property: FromQuery(Name = "adapter")] string? Adapter,
        [property: FromQuery(Name = "status")] string? Status,
        [property: FromQuery(Name = "projectId")] string? ProjectId,
        [property: FromQuery(Name = "repoId")] string? RepoId,
        [property: FromQuery(Name = "after")] string? After,
        [property: FromQuery(Name = "before")] string? Before,
        [property: FromQuery(Name = "limit")] int? Limit,
        [property: FromQuery(Name = "cursor")] string? Cursor);

    internal static async Task<Results<Ok<Page<WorkflowExecution>>, ProblemHttpResult>> ListAsync([AsParameters] Query query, WorkflowReadStore workflows, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var limit = KnownQuery.Limit(query.Limit, UsualLimit, MemoryLimits.ListLimit, errors);
        if (query.Status is { } status && !WorkflowStatuses.All.Contains(status, StringComparer.Ordinal))
        {
            errors.Add("status", $"The value must be one of {string.Join(", ", WorkflowStatuses.All)}.");
        }

        var filter = new WorkflowFilter(
            MemoryFields.Name("workflowId", query.WorkflowId, errors),
            MemoryFields.Name("adapter", query.Adapter, errors),
            query.Status,
            MemoryFields.Name("projectId", query.ProjectId, errors),
            MemoryFields.Name("repoId", query.RepoId, errors),
            KnownQuery.Time("after", query.After, errors),
            KnownQuery.Time("before", query.Before, errors));
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var listing = Listing.ByTimeAndId(Resources.Workflows, filter);
        if (!listing.TryRead(query.Cursor, out var from))
        {
            return Cursor.Refused();
        }

        var (items, more) = await workflows.ListAsync(filter, from, limit, ct);
        return TypedResults.Ok(listing.Page(items, more, w => (w.CreatedAt, w.Id)));
    }

    internal static async Task<Results<Ok<WorkflowExecution>, ProblemHttpResult>> GetAsync(Guid id, WorkflowReadStore workflows, CancellationToken ct) =>
        await workflows.FindAsync(id, ct) is { } execution ? TypedResults.Ok(execution) : Missing(id);

    public static ProblemHttpResult Missing(Guid id) => Problems.NotFound($"There is no execution {id}.");
}

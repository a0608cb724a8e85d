using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /memories: newest arrivals first, filtered, page by page. <c>after</c> (inclusive) and <c>before</c> (exclusive) are about <c>occurredAt</c>; <c>asOf</c> shows what was there then, as it was.</summary>
internal static class ListMemories
{
    private const int UsualLimit = 100;

    private static readonly string[] Parameters =
        ["type", "source", "projectId", "agentId", "workflowId", "repoId", "path", "sessionId", "tag", "after", "before", "includeDeleted", "includeSuperseded", "asOf", "limit", "cursor"];

    public static void Map(IEndpointRouteBuilder api) => api.MapGet($"/{Resources.Memories}", HandleAsync)
        .WithQuery(Parameters, repeatable: "tag").WithName(nameof(ListMemories)).WithSummary("List memories, newest arrivals first")
        .ProducesValidationProblem();

    /// <summary>The query string; a repeated <c>tag</c> asks for memories with all of them.</summary>
    internal sealed record Query(
        [property: FromQuery(Name = "type")] string? Type,
        [property: FromQuery(Name = "source")] string? Source,
        [property: FromQuery(Name = "projectId")] string? ProjectId,
        [property: FromQuery(Name = "agentId")] string? AgentId,
        [property: FromQuery(Name = "workflowId")] string? WorkflowId,
        [property: FromQuery(Name = "repoId")] string? RepoId,
        [property: FromQuery(Name = "path")] string? Path,
        [property: FromQuery(Name = "sessionId")] string? SessionId,
        [property: FromQuery(Name = "tag")] string[]? Tag,
        [property: FromQuery(Name = "after")] string? After,
        [property: FromQuery(Name = "before")] string? Before,
        [property: FromQuery(Name = "includeDeleted")] bool? IncludeDeleted,
        [property: FromQuery(Name = "includeSuperseded")] bool? IncludeSuperseded,
        [property: FromQuery(Name = "asOf")] string? AsOf,
        [property: FromQuery(Name = "limit")] int? Limit,
        [property: FromQuery(Name = "cursor")] string? Cursor);

    internal static async Task<Results<Ok<Page<Memory>>, ProblemHttpResult>> HandleAsync([AsParameters] Query query, MemoryReadStore memories, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var limit = KnownQuery.Limit(query.Limit, UsualLimit, MemoryLimits.ListLimit, errors);
        var filter = Filter(query, errors);
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var listing = Listing.ByTimeAndId(Resources.Memories, filter);
        if (!listing.TryRead(query.Cursor, out var after))
        {
            return Cursor.Refused();
        }

        var (items, more) = await memories.ListAsync(filter, after, limit, ct);
        return TypedResults.Ok(listing.Page(items, more, m => (m.CreatedAt, m.Id)));
    }

    private static MemoryFilter Filter(Query query, FieldErrors errors) => new(
        query.Type is null ? null : MemoryFields.Type(query.Type, errors),
        MemoryFields.Name("source", query.Source, errors),
        MemoryFields.Name("projectId", query.ProjectId, errors),
        MemoryFields.Name("agentId", query.AgentId, errors),
        MemoryFields.Name("workflowId", query.WorkflowId, errors),
        MemoryFields.Name("repoId", query.RepoId, errors),
        Path(query, errors),
        MemoryFields.Name("sessionId", query.SessionId, errors),
        [.. (query.Tag ?? []).Select(t => MemoryFields.Name("tag", t, errors)!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
        KnownQuery.Time("after", query.After, errors),
        KnownQuery.Time("before", query.Before, errors),
        query.IncludeDeleted ?? false,
        query.IncludeSuperseded ?? false,
        KnownQuery.Time("asOf", query.AsOf, errors));

    /// <summary>A path is one within a repository: by itself it would mean another file in each.</summary>
    private static string? Path(Query query, FieldErrors errors)
    {
        if (query.Path is not null && query.RepoId is null)
        {
            errors.Add("path", "The value is a path within a repository: give repoId too.");
        }

        return query.Path is null ? null : TextSanitizer.Clean(query.Path);
    }
}

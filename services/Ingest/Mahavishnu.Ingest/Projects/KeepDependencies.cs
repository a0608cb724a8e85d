using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>/dependencies: what one project is to another.</summary>
internal static class KeepDependencies
{
    private static readonly LinkRoutes<ProjectDependency> Links = new(LinkTable.Dependencies, Resources.Dependencies, "dependency", Shown, l => l.Id);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("", AddAsync).WithQuery([]).WithName("AddProjectDependency").WithSummary("Say that a project depends on another")
            .ProducesValidationProblem();
        routes.MapGet("", ListAsync).WithQuery(["project", "direction", "kind", "limit", "cursor"]).WithName("ListProjectDependencies").WithSummary("List dependencies of projects")
            .ProducesValidationProblem();
        routes.MapGet("/{id}", Links.GetAsync).WithQuery([]).WithName("GetProjectDependency").WithSummary("Read one dependency")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapDelete("/{id}", Links.DeleteAsync).WithQuery([]).WithName("RemoveProjectDependency").WithSummary("Remove a dependency")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed record Query(
        [property: FromQuery(Name = "project")] string? Project,
        [property: FromQuery(Name = "direction")] string? Direction,
        [property: FromQuery(Name = "kind")] string? Kind,
        [property: FromQuery(Name = "limit")] int? Limit,
        [property: FromQuery(Name = "cursor")] string? Cursor);

    internal static Task<Results<Created<ProjectDependency>, Ok<ProjectDependency>, ProblemHttpResult>> AddAsync(JsonBody<NewDependency> body, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var given = body.Value;
        var draft = new LinkDraft(
            ProjectFields.Required("source", given.Source, errors),
            ProjectFields.Required("target", given.Target, errors),
            MemoryFields.Name("kind", given.Kind, errors) ?? DependencyKinds.Uses,
            ProjectFields.Text("description", given.Description, errors) ?? "",
            MemoryFields.Metadata(given.Metadata, errors));
        return Links.AddAsync(draft, "A project does not depend on itself.", errors, links, ct);
    }

    internal static Task<Results<Ok<Page<ProjectDependency>>, ProblemHttpResult>> ListAsync([AsParameters] Query query, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var filter = new LinkFilter(MemoryFields.Name("project", query.Project, errors), query.Direction != DependencyDirections.Inbound, query.Direction != DependencyDirections.Outbound, MemoryFields.Name("kind", query.Kind, errors));
        if (query.Direction is { } direction && !DependencyDirections.All.Contains(direction, StringComparer.Ordinal))
        {
            errors.Add("direction", $"The value must be one of {string.Join(", ", DependencyDirections.All)}.");
        }

        return Links.ListAsync(filter, query.Limit, query.Cursor, errors, links, ct);
    }

    private static ProjectDependency Shown(Link link) => new()
    {
        Id = link.Id,
        Source = link.Source,
        Target = link.Target,
        Kind = link.Kind,
        Description = link.Text,
        Metadata = link.Metadata,
        CreatedAt = link.CreatedAt,
    };
}

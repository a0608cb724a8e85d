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
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("", AddAsync).WithQuery([]).WithName("AddProjectDependency").WithSummary("Say that a project depends on another")
            .ProducesValidationProblem();
        routes.MapGet("", ListAsync).WithQuery(["project", "direction", "kind", "limit", "cursor"]).WithName("ListProjectDependencies").WithSummary("List dependencies of projects")
            .ProducesValidationProblem();
        routes.MapGet("/{id}", GetAsync).WithQuery([]).WithName("GetProjectDependency").WithSummary("Read one dependency")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapDelete("/{id}", DeleteAsync).WithQuery([]).WithName("RemoveProjectDependency").WithSummary("Remove a dependency")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal sealed record Query(
        [property: FromQuery(Name = "project")] string? Project,
        [property: FromQuery(Name = "direction")] string? Direction,
        [property: FromQuery(Name = "kind")] string? Kind,
        [property: FromQuery(Name = "limit")] int? Limit,
        [property: FromQuery(Name = "cursor")] string? Cursor);

    internal static async Task<Results<Created<ProjectDependency>, Ok<ProjectDependency>, ProblemHttpResult>> AddAsync(JsonBody<NewDependency> body, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var given = body.Value;
        var draft = new LinkDraft(
            ProjectFields.Required("source", given.Source, errors),
            ProjectFields.Required("target", given.Target, errors),
            MemoryFields.Name("kind", given.Kind, errors) ?? DependencyKinds.Uses,
            ProjectFields.Text("description", given.Description, errors) ?? "",
            MemoryFields.Metadata(given.Metadata, errors));
        if (!errors.Any && draft.Source == draft.Target)
        {
            errors.Add("target", "A project does not depend on itself.");
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var (id, created) = await links.AddAsync(LinkTable.Dependencies, draft, ct);
        return await links.FindAsync(LinkTable.Dependencies, id, ct) switch
        {
            null => Problems.Conflict("The dependency was stored, and removed by somebody else before it could be read back."),
            var link when created => TypedResults.Created($"{Resources.Api}/{Resources.Dependencies}/{Uri.EscapeDataString(id)}", Shown(link)),
            var link => TypedResults.Ok(Shown(link)),
        };
    }

    internal static async Task<Results<Ok<Page<ProjectDependency>>, ProblemHttpResult>> ListAsync([AsParameters] Query query, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var filter = new LinkFilter(MemoryFields.Name("project", query.Project, errors), query.Direction != DependencyDirections.Inbound, query.Direction != DependencyDirections.Outbound, MemoryFields.Name("kind", query.Kind, errors));
        if (query.Direction is { } direction && !DependencyDirections.All.Contains(direction, StringComparer.Ordinal))
        {
            errors.Add("direction", $"The value must be one of {string.Join(", ", DependencyDirections.All)}.");
        }

        var listing = new NamedListing(Resources.Dependencies, query.Limit, query.Cursor, filter, errors);
        if (listing.Refused is { } refused)
        {
            return refused;
        }

        var (items, more) = await links.ListAsync(LinkTable.Dependencies, filter, listing.After, listing.Limit, ct);
        return TypedResults.Ok(listing.Page([.. items.Select(Shown)], more, l => l.Id));
    }

    internal static async Task<Results<Ok<ProjectDependency>, ProblemHttpResult>> GetAsync(string id, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        return errors.Any ? errors.ToProblem()
            : await links.FindAsync(LinkTable.Dependencies, name, ct) is { } link ? TypedResults.Ok(Shown(link))
            : Missing(name);
    }

    internal static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string id, LinkStore links, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        return errors.Any ? errors.ToProblem() : await links.DeleteAsync(LinkTable.Dependencies, name, ct) ? TypedResults.NoContent() : Missing(name);
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

    private static ProblemHttpResult Missing(string id) => Problems.NotFound($"There is no dependency '{id}'.");
}

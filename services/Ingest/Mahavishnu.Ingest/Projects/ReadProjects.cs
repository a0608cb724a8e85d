using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>GET /projects, by id, and /projects/{id}: registered ones and those that are only named.</summary>
internal static class ReadProjects
{
    public const int UsualLimit = 100;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("", ListAsync).WithQuery(["limit", "cursor"]).WithName("ListProjects")
            .WithSummary("List projects by id: those registered, and those that memories, groups or dependencies name")
            .ProducesValidationProblem();
        routes.MapGet("/{id}", GetAsync).WithQuery([]).WithName("GetProject").WithSummary("Read one project")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal static async Task<Results<Ok<Page<Project>>, ProblemHttpResult>> ListAsync(
        [FromQuery(Name = "limit")] int? limit, [FromQuery(Name = "cursor")] string? cursor, ProjectStore projects, CancellationToken ct)
    {
        var listing = new NamedListing(Resources.Projects, limit, cursor);
        if (listing.Refused is { } refused)
        {
            return refused;
        }

        var (items, more) = await projects.ListAsync(listing.After, listing.Limit, ct);
        return TypedResults.Ok(listing.Page(items, more, p => p.Id));
    }

    internal static async Task<Results<Ok<Project>, ProblemHttpResult>> GetAsync(string id, ProjectStore projects, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        return errors.Any ? errors.ToProblem()
            : await projects.FindAsync(name, ct) is { } project ? TypedResults.Ok(project)
            : Missing(name);
    }

    public static ProblemHttpResult Missing(string id) => Problems.NotFound($"There is no project '{id}': nobody registered it, and nothing names it.");
}

using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>/project-groups: groups as a whole, and their members one by one.</summary>
internal static class KeepGroups
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("", ListAsync).WithQuery(["project", "limit", "cursor"]).WithName("ListProjectGroups").WithSummary("List groups of projects by id")
            .ProducesValidationProblem();
        routes.MapGet("/{id}", GetAsync).WithQuery([]).WithName("GetProjectGroup").WithSummary("Read one group")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapPut("/{id}", PutAsync).WithQuery([]).WithName("PutProjectGroup").WithSummary("Make a group, or say anew what it is and who is in it")
            .ProducesValidationProblem();
        routes.MapDelete("/{id}", DeleteAsync).WithQuery([]).WithName("RemoveProjectGroup").WithSummary("Remove a group; what was shared with it is withdrawn")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapPut("/{id}/members/{projectId}", AddAsync).WithQuery([]).WithName("AddGroupMember").WithSummary("Take a project into a group")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
        routes.MapDelete("/{id}/members/{projectId}", RemoveAsync).WithQuery([]).WithName("RemoveGroupMember").WithSummary("Take a project out of a group")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal static async Task<Results<Ok<Page<ProjectGroup>>, ProblemHttpResult>> ListAsync(
        [FromQuery(Name = "project")] string? project, [FromQuery(Name = "limit")] int? limit, [FromQuery(Name = "cursor")] string? cursor, ProjectGroupStore groups, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var member = MemoryFields.Name("project", project, errors);
        var listing = new NamedListing(Resources.ProjectGroups, limit, cursor, new { member }, errors);
        if (listing.Refused is { } refused)
        {
            return refused;
        }

        var (items, more) = await groups.ListAsync(member, listing.After, listing.Limit, ct);
        return TypedResults.Ok(listing.Page(items, more, g => g.Id));
    }

    internal static async Task<Results<Ok<ProjectGroup>, ProblemHttpResult>> GetAsync(string id, ProjectGroupStore groups, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        return errors.Any ? errors.ToProblem()
            : await groups.FindAsync(name, ct) is { } group ? TypedResults.Ok(group)
            : Missing(name);
    }

    internal static async Task<Results<Created<ProjectGroup>, Ok<ProjectGroup>, ProblemHttpResult>> PutAsync(
        string id, JsonBody<PutProjectGroup> body, ProjectGroupStore groups, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var given = body.Value;
        var name = PathName.Read("id", id, errors);
        var draft = new ProjectGroupDraft(
            name,
            MemoryFields.Name("name", given.Name, errors) ?? name,
            ProjectFields.Text("description", given.Description, errors) ?? "",
            ProjectFields.Ids("members", given.Members, errors),
            MemoryFields.Metadata(given.Metadata, errors));
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var isNew = await groups.PutAsync(draft, ct);
        return await groups.FindAsync(name, ct) switch
        {
            null => Problems.Conflict($"Group '{name}' was stored, and removed by somebody else before it could be read back."),
            var group when isNew => TypedResults.Created($"{Resources.Api}/{Resources.ProjectGroups}/{Uri.EscapeDataString(name)}", group),
            var group => TypedResults.Ok(group),
        };
    }

    internal static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string id, ProjectGroupStore groups, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        return errors.Any ? errors.ToProblem() : await groups.DeleteAsync(name, ct) ? TypedResults.NoContent() : Missing(name);
    }

    internal static async Task<Results<Ok<ProjectGroup>, ProblemHttpResult>> AddAsync(string id, string projectId, ProjectGroupStore groups, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var (name, project) = (PathName.Read("id", id, errors), PathName.Read("projectId", projectId, errors));
        return errors.Any ? errors.ToProblem()
            : await groups.AddMemberAsync(name, project, ct) && await groups.FindAsync(name, ct) is { } group ? TypedResults.Ok(group)
            : Missing(name);
    }

    internal static async Task<Results<NoContent, ProblemHttpResult>> RemoveAsync(string id, string projectId, ProjectGroupStore groups, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var (name, project) = (PathName.Read("id", id, errors), PathName.Read("projectId", projectId, errors));
        return errors.Any ? errors.ToProblem()
            : await groups.RemoveMemberAsync(name, project, ct) ? TypedResults.NoContent()
            : Problems.NotFound($"There is no project '{project}' in a group '{name}'.");
    }

    private static ProblemHttpResult Missing(string id) => Problems.NotFound($"There is no group '{id}'.");
}

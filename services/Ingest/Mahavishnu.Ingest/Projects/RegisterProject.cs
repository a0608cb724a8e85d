using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>PUT /projects/{id} says what a project is. Memories may name it before and after.</summary>
internal static class RegisterProject
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPut("/{id}", HandleAsync)
        .WithQuery([]).WithName(nameof(RegisterProject)).WithSummary("Register a project, or say anew what it is")
        .ProducesValidationProblem();

    internal static async Task<Results<Created<Project>, Ok<Project>, ProblemHttpResult>> HandleAsync(
        string id, JsonBody<PutProject> body, ProjectStore projects, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var given = body.Value;
        var name = PathName.Read("id", id, errors);
        var draft = new ProjectDraft(
            name,
            MemoryFields.Name("name", given.Name, errors) ?? name,
            MemoryFields.Name("path", given.Path, errors),
            MemoryFields.Name("role", given.Role, errors),
            ProjectFields.Text("description", given.Description, errors) ?? "",
            MemoryFields.Tags(given.Tags, errors),
            MemoryFields.Metadata(given.Metadata, errors));
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var isNew = await projects.PutAsync(draft, ct);
        return await projects.FindAsync(name, ct) switch
        {
            null => Problems.Conflict($"Project '{name}' was registered, and removed by somebody else before it could be read back."),
            var project when isNew => TypedResults.Created($"{Resources.Api}/{Resources.Projects}/{Uri.EscapeDataString(name)}", project),
            var project => TypedResults.Ok(project),
        };
    }
}

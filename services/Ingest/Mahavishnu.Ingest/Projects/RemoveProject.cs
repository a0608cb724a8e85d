using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>DELETE /projects/{id} takes the registration back. Memories, memberships, dependencies and shares name the project, registered or not: they stay, and the answer counts them.</summary>
internal static class RemoveProject
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapDelete("/{id}", HandleAsync)
        .WithQuery([]).WithName(nameof(RemoveProject)).WithSummary("Take a project's registration back; its memories stay")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);

    internal static async Task<Results<Ok<ProjectRemoval>, ProblemHttpResult>> HandleAsync(string id, ProjectStore projects, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var name = PathName.Read("id", id, errors);
        return errors.Any ? errors.ToProblem()
            : await projects.DeleteAsync(name, ct) is { } kept ? TypedResults.Ok(new ProjectRemoval(name, kept))
            : Problems.NotFound($"Project '{name}' is not registered.");
    }
}

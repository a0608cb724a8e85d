using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Migration;

/// <summary>POST /imports/{id}:undo: the operation that takes back what the import brought, and nothing else.</summary>
internal static class UndoImport
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/{id}:undo", HandleAsync).WithQuery([]).WithName(nameof(UndoImport)).WithSummary("Take back what an import brought")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);

    internal static async Task<Results<Accepted<Operation>, ProblemHttpResult>> HandleAsync(Guid id, ImportStore store, OperationStore operations, CancellationToken ct)
    {
        if (await store.StandingAsync(id, ct) is not { } standing)
        {
            return ReadImports.Missing(id);
        }

        if (standing is { Status: ImportStatuses.Undone, Rest: false })
        {
            return Problems.Conflict("The import has been undone already.");
        }

        if (standing is { Status: not ImportStatuses.Undone, AtWork: true })
        {
            return Problems.Conflict("The import is still running. Wait for its end, or cancel its operation first.");
        }

        var (operation, _, _) = await operations.StartAsync(OperationKinds.Import, "undo " + id.ToString("D", CultureInfo.InvariantCulture), new ImportInput { Undo = id }, ct);
        return TypedResults.Accepted($"{Resources.Api}/{Resources.Operations}/{operation.Id}", operation);
    }
}

using System.Data.Common;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /embeddings/{id}:compare: the same questions asked of two spaces.</summary>
internal static class CompareSpaces
{
    public const int UsualQueries = 50;
    private const int MostQueries = 500;

    // The vectors' table is not there.
    private const string UndefinedTable = "42P01";

    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(5);

    public static void Map(IEndpointRouteBuilder spaces) => spaces.MapPost("/{id}:compare", HandleAsync)
        .WithQuery([]).WithName(nameof(CompareSpaces)).WithSummary("Ask pinned and past questions of this space and the active one, and compare what they find")
        .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    internal static async Task<Results<Ok<SpaceComparison>, ProblemHttpResult>> HandleAsync(
        int id, HttpRequest request, EmbeddingSpaceStore spaces, SpaceComparer comparer, CancellationToken ct)
    {
        var body = await RequestBody.OptionalAsync<CompareSpacesRequest>(request, ct);
        var errors = new FieldErrors();
        if (body?.Queries is < 1 or > MostQueries)
        {
            errors.Add("queries", $"The value must be between 1 and {MostQueries}.");
        }

        if (body?.With == id)
        {
            errors.Add("with", "The value must be another space than the one compared.");
        }

        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var all = await spaces.ListAsync(ct);
        if (Living(all, id) is not { } candidate)
        {
            return ShowSpaces.Missing(id);
        }

        var baseline = body?.With is { } with ? Living(all, with) : all.FirstOrDefault(s => s.State == EmbeddingSpaceStates.Active);
        if (baseline is null)
        {
            return body?.With is { } missing
                ? Problems.Validation("with", FormattableString.Invariant($"There is no embedding space {missing}."), ErrorCodes.NotFound, StatusCodes.Status404NotFound)
                : Problems.Conflict("No embedding space is active: name one to compare with in \"with\".");
        }

        if (baseline.Id == candidate.Id)
        {
            return Problems.Conflict(FormattableString.Invariant($"Embedding space {id} is the active one: name another one to compare with in \"with\"."));
        }

        try
        {
            return TypedResults.Ok(await comparer.CompareAsync(baseline, candidate, body?.Queries ?? UsualQueries, ct));
        }
        catch (NotComparableException e)
        {
            return Unavailable(e);
        }
        catch (DbException e) when (e.SqlState == UndefinedTable)
        {
            return Problems.Conflict("One of the two embedding spaces was dropped meanwhile.");
        }
    }

    /// <summary>503, naming the space whose model it is and what would change it.</summary>
    public static ProblemHttpResult Unavailable(NotComparableException e) => Problems.Unavailable(
        AskAgain, ErrorCodes.EmbeddingUnavailable,
        FormattableString.Invariant($"The model of embedding space {e.Space.Id} ({e.Space.Model}) cannot be asked: {e.Message}{(e.Fault.Hint is { } hint ? $" To change it: {hint}" : "")}"));

    private static EmbeddingSpace? Living(IReadOnlyList<EmbeddingSpace> all, int id) => all.FirstOrDefault(s => s.Id == id && s.State != EmbeddingSpaceStates.Dropping);
}

using System.Text.Json;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>POST /embeddings/{id}:index: a space's vector index, built anew or as another kind → the operation that does it. The one that serves does so until then.</summary>
internal static class BuildIndex
{
    public static void Map(IEndpointRouteBuilder spaces) =>
        spaces.MapPost("/{id}:index", HandleAsync).WithQuery([]).WithName(nameof(BuildIndex)).WithSummary("Build the vector index of a space, in the background, from now on of this kind")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);

    internal static async Task<Results<Accepted<Operation>, ProblemHttpResult>> HandleAsync(
        int id, HttpRequest request, EmbeddingSpaceStore spaces, OperationStore operations, IOptions<VectorIndexOptions> options, CancellationToken ct)
    {
        var body = await RequestBody.OptionalAsync<BuildIndexRequest>(request, ct);
        if (await spaces.FindAsync(id, ct) is not { State: not EmbeddingSpaceStates.Dropping } space)
        {
            return ShowSpaces.Missing(id);
        }

        var wanted = body is null or { Kind: null, Lists: null, Probes: null } ? null : Wanted(body, options.Value.For(space), options.Value);
        if (body is not null && Validate(body, wanted?.Kind, space) is { Any: true } errors)
        {
            return errors.ToProblem();
        }

        var input = new IndexInput(space.Id, wanted);
        var (operation, created, stored) = await operations.StartAsync(OperationKinds.Index, space.Subject, input, ct);
        return created || stored.Deserialize<IndexInput>(WireJson.Lenient) == input
            ? TypedResults.Accepted($"{Resources.Api}/{Resources.Operations}/{operation.Id}", operation)
            : Problems.Conflict(FormattableString.Invariant($"Operation {operation.Id} is at work on the index of embedding space {id}: wait for it, or cancel it."));
    }

    // What is not said is as it is; of another kind, as the settings say.
    private static VectorIndexSpec Wanted(BuildIndexRequest body, VectorIndexSpec now, VectorIndexOptions options)
    {
        var said = body.Kind is null ? now : options.Of(body.Kind);
        return said with { Lists = body.Lists ?? said.Lists, Probes = body.Probes ?? said.Probes };
    }

    private static FieldErrors Validate(BuildIndexRequest body, string? kind, EmbeddingSpace space)
    {
        var errors = new FieldErrors();
        if (body.Kind is not null && !VectorIndexKinds.All.Contains(body.Kind, StringComparer.Ordinal))
        {
            errors.Add("kind", $"The value must be one of {string.Join(", ", VectorIndexKinds.All)}.");
        }
        else if (kind == VectorIndexKinds.HnswVector && space.Dimensions > VectorIndexSpec.MostFullWidthDimensions)
        {
            errors.Add("kind", FormattableString.Invariant(
                $"An index of kind {kind} takes at most {VectorIndexSpec.MostFullWidthDimensions:N0} dimensions, and {space.Model} has {space.Dimensions:N0}: the value must be one of {string.Join(", ", VectorIndexKinds.All.Where(k => k != kind))}."));
        }

        OfLists("lists", body.Lists);
        OfLists("probes", body.Probes);
        return errors;

        void OfLists(string field, int? given)
        {
            if (given is < 1 or > VectorIndexSpec.MostLists)
            {
                errors.Add(field, FormattableString.Invariant($"The value must be between 1 and {VectorIndexSpec.MostLists:N0}."));
            }
            else if (given is not null && kind != VectorIndexKinds.Ivfflat)
            {
                errors.Add(field, $"Only an index of kind {VectorIndexKinds.Ivfflat} has lists.");
            }
        }
    }
}

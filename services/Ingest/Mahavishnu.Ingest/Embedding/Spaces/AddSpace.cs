using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>POST /embeddings: a further space of a model → the operation that fills it. Asking again goes on with the same space.</summary>
internal static class AddSpace
{
    // What an index over half-precision vectors takes.
    private const int MostDimensions = 4_000;

    // One memory in a quarter of an hour: who wants less wants nothing, and a timer cannot wait for ever.
    private const double LeastPerSecond = 0.001;
    private const double MostPerSecond = 1_000_000;

    private static readonly string[] Distances = ["cosine", "l2", "ip"];
    private static readonly string[] Providers = [EmbeddingProviders.Ollama, EmbeddingProviders.Builtin];
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(5);

    public static void Map(IEndpointRouteBuilder spaces) =>
        spaces.MapPost("/", HandleAsync).WithQuery([]).WithName("AddEmbeddingSpace").WithSummary("Embed every memory with a further model, in the background")
            .ProducesValidationProblem().ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    internal static async Task<Results<Accepted<Operation>, ProblemHttpResult>> HandleAsync(
        AddEmbeddingSpaceRequest request, EmbeddingModels models, EmbeddingSpaceStore spaces, OperationStore operations, CancellationToken ct)
    {
        if (Validate(request) is { Any: true } errors)
        {
            return errors.ToProblem();
        }

        EmbeddingModel model;
        try
        {
            model = await models.DescribeAsync(request.Model!, request.Provider, request.PrefixProfile, request.Distance ?? Distances[0], ct);
        }
        catch (EmbeddingModelException e)
        {
            return Refuse(request, e);
        }

        if (model.Dimensions is < 1 or > MostDimensions)
        {
            return Problems.Validation("model", FormattableString.Invariant($"{model.Model} has {model.Dimensions:N0} dimensions; a space has 1 to {MostDimensions:N0}."));
        }

        var (space, _) = await spaces.AddAsync(model, ct);
        if (space.State == EmbeddingSpaceStates.Dropping)
        {
            return Problems.Conflict(FormattableString.Invariant($"Embedding space {space.Id} of this model is being dropped. Ask again in a moment."));
        }

        if (space is { State: EmbeddingSpaceStates.Active, FilledAt: not null })
        {
            return Problems.Conflict(FormattableString.Invariant($"Embedding space {space.Id} of {space.Model} ({space.Dimensions} dimensions) is the active one, and filled."));
        }

        var (operation, _, _) = await operations.StartAsync(OperationKinds.EmbeddingSpace, space.Subject, new FillInput(space.Id, request.RatePerSecond), ct);
        return TypedResults.Accepted($"{Resources.Api}/{Resources.Operations}/{operation.Id}", operation);
    }

    private static FieldErrors Validate(AddEmbeddingSpaceRequest request)
    {
        var errors = new FieldErrors();
        if (string.IsNullOrWhiteSpace(request.Model))
        {
            errors.Add("model", "The value is needed: the name of an embedding model, such as nomic-embed-text.");
        }
        else if (Names.Validate(request.Model, slashes: true) is { } fault)
        {
            errors.Add("model", $"The value {fault}.");
        }

        OneOf("provider", request.Provider, Providers);
        OneOf("distance", request.Distance, Distances);
        if (request.RatePerSecond is not (null or (>= LeastPerSecond and <= MostPerSecond)))
        {
            errors.Add("ratePerSecond", FormattableString.Invariant($"The value must be between {LeastPerSecond} and {MostPerSecond:N0}; leave it out for no limit."));
        }

        return errors;

        void OneOf(string field, string? given, string[] known)
        {
            if (given is not null && !known.Contains(given, StringComparer.Ordinal))
            {
                errors.Add(field, $"The value must be one of {string.Join(", ", known)}.");
            }
        }
    }

    private static ProblemHttpResult Refuse(AddEmbeddingSpaceRequest request, EmbeddingModelException e)
    {
        var says = e.Hint is null ? e.Message : $"{e.Message} To change it: {e.Hint}";
        return e.Reason switch
        {
            _ when e.OnItsWay || e.Reason == EmbeddingReasons.ModelAway => Problems.Unavailable(AskAgain, ErrorCodes.EmbeddingUnavailable, says),
            // The provider knows which profiles there are, and says it in the same words as that a model is missing.
            EmbeddingReasons.ModelMissing when request.PrefixProfile is not null && e.Message.Contains("prefix profile", StringComparison.Ordinal) => Problems.Validation("prefixProfile", says),
            _ => Problems.Validation("model", says),
        };
    }
}

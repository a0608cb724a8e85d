using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Mahavishnu.Ingest;

/// <summary>The memories that embedding has given up on: looked at, and tried again.</summary>
internal static class DeadLetters
{
    private const int UsualLimit = 100;
    private const string DeadLettersListing = $"{Resources.Embeddings}/dead-letters";

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet($"/{DeadLettersListing}", ListAsync)
            .WithQuery(["limit", "cursor"]).WithName(nameof(DeadLetters)).WithSummary("Memories that could not be embedded, the latest failure first").ProducesValidationProblem();
        api.MapPost($"/{DeadLettersListing}:retry", RetryAsync)
            .WithQuery([]).WithName("RetryDeadLetters").WithSummary("Put dead letters back into the queue; without ids all of them").ProducesValidationProblem();
    }

    internal static async Task<Results<Ok<Page<DeadLetter>>, ProblemHttpResult>> ListAsync(
        [FromQuery(Name = "limit")] int? limit, [FromQuery(Name = "cursor")] string? cursor, EmbeddingQueueStore queue, CancellationToken ct)
    {
        var errors = new FieldErrors();
        var size = KnownQuery.Limit(limit, UsualLimit, MemoryLimits.ListLimit, errors);
        if (errors.Any)
        {
            return errors.ToProblem();
        }

        var listing = Listing.ByTimeAndId(DeadLettersListing);
        if (!listing.TryRead(cursor, out var after))
        {
            return Cursor.Refused();
        }

        return TypedResults.Ok(listing.Page(await queue.DeadLettersAsync(size + 1, ct, after), size, d => (d.FailedAt, d.MemoryId)));
    }

    internal static async Task<Results<Ok<RetryResult>, ProblemHttpResult>> RetryAsync(
        HttpRequest request, EmbeddingQueueStore queue, EmbeddingSignal signal, CancellationToken ct)
    {
        var ids = (await RequestBody.OptionalAsync<RetryRequest>(request, ct))?.MemoryIds;
        if (ids is { Count: > MemoryLimits.BatchItems })
        {
            return Problems.Validation("memoryIds", FormattableString.Invariant($"At most {MemoryLimits.BatchItems:N0} ids are allowed; leave them out for all dead letters."));
        }

        var requeued = await queue.RetryAsync(ids, ct);
        signal.Raise();
        return TypedResults.Ok(new RetryResult(requeued));
    }
}

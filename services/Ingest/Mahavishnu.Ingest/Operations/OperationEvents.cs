using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Mahavishnu.Contracts;
using Mahavishnu.ServiceDefaults;
using Mahavishnu.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Ingest;

/// <summary>GET /operations/{id}/events: <c>progress</c> whenever something moved (and now and then when nothing did, so that proxies keep the line), then <c>completed</c>, <c>failed</c> or <c>cancelled</c>. The data is the operation.</summary>
internal static partial class OperationEvents
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    public static void Map(IEndpointRouteBuilder api) => api.MapGet($"/{Resources.Operations}/{{id}}/events", HandleAsync)
        .WithQuery([]).WithName(nameof(OperationEvents)).WithSummary("Follow an operation (server-sent events)").ProducesProblem(StatusCodes.Status404NotFound);

    internal static async Task<Results<ServerSentEventsResult<Operation>, ProblemHttpResult>> HandleAsync(
        Guid id, OperationStore operations, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<OperationStore> logger, CancellationToken ct) =>
        await operations.FindAsync(id, ct) is { } first
            // Who listens must not hold up the end of the process.
            ? TypedResults.ServerSentEvents(FollowAsync(first, operations, lifetime, time, logger, ct))
            : OperationRoutes.Missing(id);

    private static async IAsyncEnumerable<SseItem<Operation>> FollowAsync(
        Operation operation, OperationStore operations, IHostApplicationLifetime lifetime, TimeProvider time, ILogger logger, [EnumeratorCancellation] CancellationToken ct)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(ct, lifetime.ApplicationStopping);
        while (!OperationStates.IsFinal(operation.State))
        {
            yield return new SseItem<Operation>(operation, "progress");
            if (await NextAsync(operation, operations, time, logger, end.Token) is not { } next)
            {
                yield break;
            }

            operation = next;
        }

        yield return new SseItem<Operation>(operation, operation.State);
    }

    /// <summary>The operation when it has moved, or after a silence; null when it is gone or nobody listens any more.</summary>
    private static async Task<Operation?> NextAsync(Operation last, OperationStore operations, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        for (var asked = time.GetTimestamp(); ;)
        {
            try
            {
                await Task.Delay(Look, time, ct);
                if (await operations.FindAsync(last.Id, ct) is not { } now)
                {
                    return null;
                }

                if (Moved(last, now) || time.GetElapsedTime(asked) >= Silence)
                {
                    return now;
                }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return null;
            }
            catch (System.Data.Common.DbException e)
            {
                // The line stays open: the work goes on when the database is back.
                Waiting(logger, e.Message);
            }
        }
    }

    // The rate changes with the clock alone.
    private static bool Moved(Operation last, Operation now) =>
        last.State != now.State || last.StartedAt != now.StartedAt || last.Progress with { RatePerSecond = null } != now.Progress with { RatePerSecond = null };

    [LoggerMessage(Level = LogLevel.Debug, Message = "Events wait for the database: {Reason}")]
    private static partial void Waiting(ILogger logger, string reason);
}

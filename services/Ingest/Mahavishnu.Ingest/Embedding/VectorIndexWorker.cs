using System.Data.Common;
using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>Says that the embedding queue has just run empty.</summary>
internal sealed class VectorIndexSignal
{
    private volatile TaskCompletionSource _raised = New();

    /// <summary>Completes at the next <see cref="Raise"/>.</summary>
    public Task Next => _raised.Task;

    public void Raise() => Interlocked.Exchange(ref _raised, New()).TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>Watches over the active space's index: starts its build when the space has grown large enough and is at rest, and takes it away before a load that would crawl through it.</summary>
internal sealed partial class VectorIndexWorker(
    EmbeddingSpaceStore spaces, VectorIndexStore indexes, EmbeddingQueueStore queue, OperationStore operations, VectorIndexSignal drained,
    IOptions<VectorIndexOptions> options, TimeProvider time, ILogger<VectorIndexWorker> logger) : BackgroundService
{
    private static readonly string[] Loads = [OperationKinds.Repository, OperationKinds.Import];
    private static readonly string[] Indexing = [OperationKinds.Index];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var next = drained.Next;
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (DbException e)
            {
                // Everybody else says so too.
                Waiting(logger, e.Message);
            }
            catch (Exception e)
            {
                // Searches are right without an index; a server that stops is not.
                Stumbled(logger, e);
            }

            var rest = Task.Delay(TimeSpan.FromSeconds(options.Value.CheckSeconds), time, stoppingToken);
            await Task.WhenAny(next, rest);
        }
    }

    /// <summary>Looks once, and does what is due.</summary>
    internal async Task<IndexStep> LookAsync(CancellationToken ct)
    {
        // Asked first: a build that ends while the rest is read would look like one that never was.
        var atWork = await operations.AnyAtWorkAsync(Indexing, ct);
        if (await spaces.FindActiveAsync(ct) is not { } space)
        {
            return IndexStep.None;
        }

        var rows = await indexes.EstimateRowsAsync(space, ct);
        var most = Math.Max(options.Value.FromRows, rows);
        var situation = new IndexSituation(
            space.IndexState, await indexes.IsValidAsync(space, ct), rows, await queue.CountPendingAsync(space, most, ct),
            await operations.AnyAtWorkAsync(Loads, ct), atWork);
        var step = IndexDecision.Decide(situation, options.Value.FromRows);
        switch (step)
        {
            case IndexStep.Drop:
                Dropping(logger, situation.Pending, rows);
                await indexes.DropAsync(space, ct);
                break;
            case IndexStep.Build when await MayTryAsync(ct):
                Building(logger, rows);
                await operations.StartAsync(OperationKinds.Index, space.Id.ToString(CultureInfo.InvariantCulture), new IndexInput(space.Id), ct);
                break;
        }

        return step;
    }

    /// <summary>A build that failed a moment ago would fail again, and one that somebody cancelled is not wanted now.</summary>
    private async Task<bool> MayTryAsync(CancellationToken ct) =>
        (await operations.ListAsync(OperationKinds.Index, null, null, 1, ct)) is not [{ State: OperationStates.Failed or OperationStates.Cancelled, FinishedAt: { } ended }]
        || time.GetUtcNow() - ended >= TimeSpan.FromMinutes(options.Value.RetryMinutes);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Rows} vectors: building their index")]
    private static partial void Building(ILogger logger, long rows);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Pending} or more memories wait to be embedded beside {Rows} vectors: loading first, the index is built afterwards")]
    private static partial void Dropping(ILogger logger, long pending, long rows);

    [LoggerMessage(Level = LogLevel.Error, Message = "Looking after the vector index failed")]
    private static partial void Stumbled(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The index waits for the database: {Reason}")]
    private static partial void Waiting(ILogger logger, string reason);
}

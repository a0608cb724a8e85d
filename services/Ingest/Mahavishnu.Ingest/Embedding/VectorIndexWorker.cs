using System.Data.Common;
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

/// <summary>Watches over the spaces' indexes: starts a build when a space has grown large enough and is at rest, and takes an index away before a load that would crawl through it.</summary>
internal sealed partial class VectorIndexWorker(
    EmbeddingSpaceStore spaces, VectorIndexStore indexes, EmbeddingQueueStore queue, OperationStore operations, VectorIndexSignal drained,
    IOptions<VectorIndexOptions> options, TimeProvider time, ILogger<VectorIndexWorker> logger) : BackgroundService
{
    // A queue of single writes runs empty many times a second, and a look is a dozen questions to the database.
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(0.5);

    private static readonly string[] Loads = [OperationKinds.Repository, OperationKinds.Import];
    private static readonly string[] Indexing = [OperationKinds.Index];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var next = drained.Next;
            var looked = time.GetTimestamp();
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

            var check = TimeSpan.FromSeconds(options.Value.CheckSeconds);
            await Task.WhenAny(next, Task.Delay(check, time, stoppingToken));
            var early = (check < Pace ? check : Pace) - time.GetElapsedTime(looked);
            if (early > TimeSpan.Zero)
            {
                await Task.Delay(early, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Looks once at every space, and does what is due.</summary>
    /// <returns>What is due for the active one.</returns>
    internal async Task<IndexStep> LookAsync(CancellationToken ct)
    {
        var due = IndexStep.None;
        foreach (var space in (await spaces.ListAsync(ct)).Where(s => s.State != EmbeddingSpaceStates.Dropping))
        {
            var step = await LookAsync(space, ct);
            due = space.State == EmbeddingSpaceStates.Active ? step : due;
        }

        return due;
    }

    private async Task<IndexStep> LookAsync(EmbeddingSpace listed, CancellationToken ct)
    {
        // Asked first: a build that ends while the rest is read would look like one that never was.
        var atWork = await operations.AnyAtWorkAsync(Indexing, ct) || await indexes.IsAtWorkAsync(listed, ct);
        if (await spaces.FindAsync(listed.Id, ct) is not { } space)
        {
            return IndexStep.None;
        }

        var rows = await indexes.EstimateRowsAsync(space, ct);
        var most = Math.Max(options.Value.FromRows, rows);
        var look = await indexes.LookAsync(space, ct);
        var situation = new IndexSituation(
            space.IndexState, look.Valid, rows, await queue.CountPendingAsync(space, most, ct),
            await operations.AnyAtWorkAsync(Loads, ct) || await IsBeingFilledAsync(space, ct), atWork)
        {
            Wanted = options.Value.For(space),
            Built = space.BuiltIndex,
            Gone = look.Gone,
            Leftovers = look.Leftovers,
        };
        var step = IndexDecision.Decide(situation, options.Value.FromRows);
        switch (step)
        {
            case IndexStep.Drop:
                if (situation.Wanted.Kind == VectorIndexKinds.None)
                {
                    NotWanted(logger, space.Model);
                }
                else
                {
                    Dropping(logger, space.Model, situation.Pending, rows);
                }

                await indexes.DropAsync(space, wanted: null, ct);
                break;
            case IndexStep.Clear:
                await indexes.ClearAsync(space, ct);
                break;
            case IndexStep.Build when await MayTryAsync(space, ct):
                if (situation.Whole)
                {
                    Outgrown(logger, space.BuiltIndex?.Kind, space.BuiltIndex?.Rows, space.Model, situation.Wanted.Kind, rows);
                }
                else
                {
                    Building(logger, rows, space.Model, situation.Wanted.Kind);
                }

                await operations.StartAsync(OperationKinds.Index, space.Subject, new IndexInput(space.Id), ct);
                break;
        }

        return step;
    }

    /// <summary>A fill comes in portions that the queue alone does not show, and has the index built at its end.</summary>
    private async Task<bool> IsBeingFilledAsync(EmbeddingSpace space, CancellationToken ct) =>
        space is { State: EmbeddingSpaceStates.Building, FilledAt: null }
        || await operations.FindLatestAsync(OperationKinds.EmbeddingSpace, space.Subject, ct) is { } fill && !OperationStates.IsFinal(fill.State);

    /// <summary>A build that failed a moment ago would fail again, and one that somebody cancelled is not wanted now.</summary>
    private async Task<bool> MayTryAsync(EmbeddingSpace space, CancellationToken ct) =>
        await operations.FindLatestAsync(OperationKinds.Index, space.Subject, ct) is not { State: OperationStates.Failed or OperationStates.Cancelled, FinishedAt: { } ended }
        || time.GetUtcNow() - ended >= TimeSpan.FromMinutes(options.Value.RetryMinutes);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Rows} vectors of {Model}: building their index ({Kind})")]
    private static partial void Building(ILogger logger, long rows, string model, string kind);

    [LoggerMessage(Level = LogLevel.Information, Message = "The index ({Built}, of {BuiltRows} vectors) of {Model} is outgrown or not what is wanted: building another ({Kind}, of {Rows})")]
    private static partial void Outgrown(ILogger logger, string? built, long? builtRows, string model, string kind, long rows);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Model} is to have no index: dropping it, searches compare every vector in scope")]
    private static partial void NotWanted(ILogger logger, string model);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Pending} or more memories wait to be embedded beside {Rows} vectors of {Model}: loading first, the index is built afterwards")]
    private static partial void Dropping(ILogger logger, string model, long pending, long rows);

    [LoggerMessage(Level = LogLevel.Error, Message = "Looking after the vector index failed")]
    private static partial void Stumbled(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The index waits for the database: {Reason}")]
    private static partial void Waiting(ILogger logger, string reason);
}

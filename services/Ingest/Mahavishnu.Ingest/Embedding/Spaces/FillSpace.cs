using System.Data.Common;
using System.Globalization;
using Mahavishnu.Contracts;
using Mahavishnu.Storage;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>What an <c>embedding-space</c> operation works on.</summary>
/// <param name="RatePerSecond">Most memories queued a second; null: as fast as they are embedded.</param>
internal sealed record FillInput(short SpaceId, double? RatePerSecond);

/// <summary>
/// The <c>embedding-space</c> operation: every memory of the store gets a vector in a space, while the active one serves. Pages of memories go into the
/// queue as fast as the workers empty it; begun again after a crash or a cancellation it goes on where it was. At the end the space has its index, too,
/// so that activating it is a matter of one row.
/// </summary>
internal sealed class FillSpace(
    EmbeddingSpaceStore spaces, EmbeddingFillStore fill, EmbeddingQueueStore queue, VectorIndexStore indexes, OperationStore operations,
    EmbeddingWorkerState state, EmbeddingSignal signal, IOptions<VectorIndexOptions> options, TimeProvider time) : IOperationHandler
{
    private const int PageSize = 1_000;

    // What waits in the queue for one space at most, beside what is written anew: a million memories are not queued at once.
    private const int MostWaiting = 10_000;

    private const string Unit = "memories";

    // The vectors' table is not there.
    private const string UndefinedTable = "42P01";

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    public string Kind => OperationKinds.EmbeddingSpace;

    // The workers work; this one looks on.
    public bool Waits => true;

    public async Task<object?> RunAsync(OperationRun run, CancellationToken ct)
    {
        var input = run.Input<FillInput>();
        var space = await spaces.FindAsync(input.SpaceId, ct) ?? throw Gone(input.SpaceId);
        var began = time.GetTimestamp();
        run.Report(0, null, Unit, "Waiting for writes under way");
        var (cursor, passed, total) = await fill.BeginAsync(space, ct) ?? throw Gone(space.Id);
        var progress = new Progress(run, space, passed, total);

        var last = await QueueAllAsync(run, space, cursor, input.RatePerSecond, progress, ct);
        await fill.SweepAsync(space, ct);
        while (!await fill.FinishAsync(space, last.At, ct))
        {
            await RequireAsync(space, ct);
            progress.Report(await queue.CountPendingAsync(space, MostWaiting * 10, ct), state.At(space.Id));
            await Task.Delay(Pause, time, ct);
        }

        try
        {
            await IndexAsync(space, progress, ct);
            var memories = await spaces.CountMemoriesAsync(space, ct);
            progress.End(memories);
            return new EmbeddingSpaceResult(
                space.Id, space.Model, space.Dimensions, memories, await fill.CountFailedAsync(space, ct), Math.Round(time.GetElapsedTime(began).TotalSeconds, 2));
        }
        catch (DbException e) when (e.SqlState == UndefinedTable)
        {
            // Dropped at the very end of it.
            throw Gone(space.Id);
        }
    }

    private static OperationFailedException Gone(short id) => new(ErrorCodes.NotFound, string.Create(CultureInfo.InvariantCulture, $"There is no embedding space {id} any more."));

    private async Task<FillPage> QueueAllAsync(OperationRun run, EmbeddingSpace space, Guid? cursor, double? ratePerSecond, Progress progress, CancellationToken ct)
    {
        // Small pages for a small rate, so that it is kept from the first second on.
        var size = ratePerSecond is { } rate ? (int)Math.Clamp(rate, 1, PageSize) : PageSize;
        while (true)
        {
            var waiting = await queue.CountPendingAsync(space, MostWaiting, ct);
            progress.Report(waiting, state.At(space.Id));
            if (waiting > MostWaiting - size)
            {
                await RequireAsync(space, ct);
                await Task.Delay(Pause, time, ct);
                continue;
            }

            var page = await fill.QueueNextAsync(space, cursor, size, ct, run.Trace) ?? throw Gone(space.Id);
            if (page.Read == 0)
            {
                return page;
            }

            cursor = page.Cursor;
            progress.Pass(page.Read);
            signal.Raise();
            if (ratePerSecond is { } limit)
            {
                await Task.Delay(TimeSpan.FromSeconds(page.Queued / limit), time, ct);
            }
        }
    }

    private async Task RequireAsync(EmbeddingSpace space, CancellationToken ct)
    {
        if (await spaces.FindAsync(space.Id, ct) is null or { State: EmbeddingSpaceStates.Dropping })
        {
            throw Gone(space.Id);
        }
    }

    /// <summary>Has the index built where it pays. One that fails is told by its own operation, and tried again by whoever looks after the indexes.</summary>
    private async Task IndexAsync(EmbeddingSpace space, Progress progress, CancellationToken ct)
    {
        if (options.Value.For(space).Kind == VectorIndexKinds.None
            || await indexes.EstimateRowsAsync(space, ct) < options.Value.FromRows || (await indexes.LookAsync(space, ct)).Valid)
        {
            return;
        }

        var (index, _, _) = await operations.StartAsync(OperationKinds.Index, space.Subject, new IndexInput(space.Id), ct);
        while (await operations.FindAsync(index.Id, ct) is { } now && !OperationStates.IsFinal(now.State))
        {
            progress.Report(0, now.Progress.Message ?? "Waiting for the index");
            await Task.Delay(Pause, time, ct);
        }
    }

    /// <summary>Memories that have been through the queue: those passed by, without those that still wait in it.</summary>
    private sealed class Progress(OperationRun run, EmbeddingSpace space, long passed, long total)
    {
        private long _passed = passed;
        private long _done;

        public void Pass(int memories) => _passed += memories;

        public void Report(long waiting, string? message)
        {
            // What is written meanwhile waits in the same queue: the count must not go back for it.
            _done = Math.Max(_done, _passed - waiting);
            run.Report(_done, Math.Max(total, _passed), Unit, message ?? $"Embedding with {space.Model}");
        }

        public void End(long memories) => run.Report(memories, memories, Unit, null);
    }
}

using System.Data.Common;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>
/// Takes memories from the queue, has them embedded and hands the vectors in: for every space, the active one first; several claims at a time, here and in
/// other processes. Each provider has workers of its own, so that one that is away or slow keeps nobody else waiting.
/// </summary>
internal sealed partial class EmbeddingWorker(
    EmbeddingSpaceStore spaces, EmbeddingQueueStore queue, EmbeddingClaimRunner claims, EmbeddingModels models, OperationStore operations, EmbeddingSignal signal,
    EmbeddingWorkerState state, VectorIndexSignal drained, IOptions<EmbeddingOptions> options, TimeProvider time, ILogger<EmbeddingWorker> logger) : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan LookAtSpaces = TimeSpan.FromSeconds(1);
    // Who finds as many together has found a batch, and leaves the rest of it to the next.
    private const int Batch = 8;

    private static readonly string[] Bulk = [OperationKinds.Import];

    private readonly EmbeddingOptions _options = options.Value;
    private readonly TimeSpan _lease = TimeSpan.FromSeconds(options.Value.LeaseSeconds);
    private readonly Dictionary<short, EmbeddingSpaceWork> _works = [];
    private readonly Dictionary<string, EmbeddingLane> _lanes = new(StringComparer.Ordinal);

    /// <summary>Whether somebody else needs the processor more now.</summary>
    internal bool Yields { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_options.Workers == 0)
        {
            return;
        }

        var pause = FirstPause;
        while (!stoppingToken.IsCancellationRequested)
        {
            var wait = _options.IdleSeconds < LookAtSpaces.TotalSeconds ? TimeSpan.FromSeconds(_options.IdleSeconds) : LookAtSpaces;
            try
            {
                await LookAsync(stoppingToken);
                pause = FirstPause;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it was, work waits: say it once, and try again later.
                Say(e is DbException ? EmbeddingWorkerState.Database : EmbeddingWorkerState.NoSpace, e);
                wait = pause;
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }

            await Task.Delay(wait, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(_lanes.Values.SelectMany(l => l.Workers));
        foreach (var work in _works.Values)
        {
            work.Dispose();
        }
    }

    /// <summary>Looks which spaces there are, and sees to it that each is worked for.</summary>
    private async Task LookAsync(CancellationToken ct)
    {
        var all = await spaces.ListAsync(ct);
        state.Over(EmbeddingWorkerState.Database);
        Assign([.. all.Where(s => s.State != EmbeddingSpaceStates.Dropping)], ct);
        var loading = await operations.AnyAtWorkAsync(Bulk, ct);
        foreach (var lane in _lanes.Values)
        {
            lane.Yields = loading && lane.Provider == EmbeddingProviders.Builtin;
        }

        Yields = loading;
        if (!all.Any(s => s.State == EmbeddingSpaceStates.Active))
        {
            // Whoever decides now decides for good: a model that is away is waited for where it is the one that is wanted.
            await spaces.EnsureActiveAsync(await models.ChooseAsync(ct), ct);
            Assign([.. (await spaces.ListAsync(ct)).Where(s => s.State != EmbeddingSpaceStates.Dropping)], ct);
        }

        state.Over(EmbeddingWorkerState.NoSpace);
    }

    private void Assign(List<EmbeddingSpace> taking, CancellationToken ct)
    {
        foreach (var gone in _works.Keys.Except(taking.Select(s => s.Id)).ToList())
        {
            _works.Remove(gone);
            state.Over(gone);
        }

        foreach (var space in taking)
        {
            if (_works.TryGetValue(space.Id, out var known))
            {
                known.Space = space;
            }
            else
            {
                _works.Add(space.Id, new EmbeddingSpaceWork(space, time));
            }
        }

        foreach (var provider in taking.Select(s => s.Provider).Concat(_lanes.Keys).ToHashSet(StringComparer.Ordinal))
        {
            if (!_lanes.TryGetValue(provider, out var lane))
            {
                _lanes.Add(provider, lane = new EmbeddingLane(provider));
            }

            lane.Works = [.. taking.Where(s => s.Provider == provider).OrderBy(Turn).ThenBy(s => s.Id).Select(s => _works[s.Id])];
            // One more than the model takes: while that one fetches or hands in, the model has its fill.
            var wanted = lane.Works.Count == 0 ? 0 : _options.Workers ?? (lane.Works.Max(w => w.Concurrency) + 1);
            lane.Grow(wanted, number => Task.Run(() => WorkAsync(lane, number, ct), CancellationToken.None));
        }
    }

    private static int Turn(EmbeddingSpace space) => space.State switch
    {
        EmbeddingSpaceStates.Active => 0,
        EmbeddingSpaceStates.Building => 1,
        _ => 2,
    };

    private async Task WorkAsync(EmbeddingLane lane, int number, CancellationToken ct)
    {
        var pause = FirstPause;
        var (busy, looks) = (false, true);
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var next = signal.Next;
                if (looks && lane.Has(number) && await WorkOnceAsync(lane, number, ct))
                {
                    busy = true;
                }
                else
                {
                    if (busy)
                    {
                        drained.Raise();
                        busy = false;
                    }

                    await EmbeddingSignal.WaitAsync(next, TimeSpan.FromSeconds(_options.IdleSeconds), time, ct);
                    looks = lane.Has(number) && lane.IsToLook(number, next);
                }

                pause = FirstPause;
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Say(EmbeddingWorkerState.Database, e);
                await Task.Delay(pause, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    /// <summary>One claim of the first space that has work and a model.</summary>
    /// <returns>False when there is nothing to do for this worker.</returns>
    private async Task<bool> WorkOnceAsync(EmbeddingLane lane, int number, CancellationToken ct)
    {
        foreach (var work in lane.Open(number))
        {
            if (!work.TryEnter())
            {
                continue;
            }

            try
            {
                var claim = await queue.ClaimAsync(work.Space, _options.ClaimItems, _options.ClaimBytes, _lease, ct);
                state.Over(EmbeddingWorkerState.Database);
                if (claim.Jobs.Count == 0)
                {
                    continue;
                }

                if (claim.Jobs.Count >= Batch)
                {
                    signal.Raise();
                }

                await claims.RunAsync(work, claim, lane.Yields ? 1 : null, ct);
                work.Go();
                state.Over(work.Space.Id);
                return true;
            }
            catch (ModelStoppedException e)
            {
                work.Stop();
                Say(work.Space.Id, e, $"{work.Space.Model}: ");
            }
            finally
            {
                work.Leave();
            }
        }

        return false;
    }

    private void Say(int where, Exception e, string about = "")
    {
        var trouble = (where, e) switch
        {
            (_, DbException) => $"Embedding waits for the database: {e.Message}",
            (EmbeddingWorkerState.NoSpace, EmbeddingModelException { Hint: { } hint }) => $"Nothing is embedded yet: {e.Message} To change it: {hint}",
            (EmbeddingWorkerState.NoSpace, _) => $"Nothing is embedded yet: {e.Message}",
            (_, ModelStoppedException { InnerException: EmbeddingModelException { Hint: { } hint } }) => $"The embedding model cannot be used: {about}{e.Message} To change it: {hint}",
            (_, ModelStoppedException) => $"The embedding model cannot be used: {about}{e.Message}",
            _ => $"Embedding stumbled: {e.Message}",
        };
        if (state.Report(where, trouble))
        {
            Waiting(logger, trouble, e is ModelStoppedException or EmbeddingModelException or DbException ? null : e);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Trouble}")]
    private static partial void Waiting(ILogger logger, string trouble, Exception? exception);
}

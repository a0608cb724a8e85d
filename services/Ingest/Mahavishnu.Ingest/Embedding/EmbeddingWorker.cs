using System.Data.Common;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Mahavishnu.Ingest;

/// <summary>Takes memories from the queue, embeds them and hands the vectors in; several claims at a time, here and in other processes.</summary>
internal sealed partial class EmbeddingWorker(
    EmbeddingSpaceStore spaces, EmbeddingQueueStore queue, TextEmbedder embedder, EmbeddingModels models, EmbeddingSignal signal, EmbeddingWorkerState state,
    VectorIndexSignal drained, IngestTelemetry telemetry, IOptions<EmbeddingOptions> options, TimeProvider time, ILogger<EmbeddingWorker> logger) : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(5);

    // Claims that ended with their process, beyond the attempts that failed: then it is the text that kills it.
    private const int DeathsForgiven = 10;

    private readonly EmbeddingOptions _options = options.Value;
    private readonly TimeSpan _lease = TimeSpan.FromSeconds(options.Value.LeaseSeconds);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Enumerable.Range(0, _options.Workers).Select(_ => Task.Run(() => WorkAsync(stoppingToken), CancellationToken.None)));

    private async Task WorkAsync(CancellationToken ct)
    {
        var pause = FirstPause;
        var busy = false;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var next = signal.Next;
                if (await ClaimAsync(ct) is { } claim)
                {
                    await DoAsync(claim, ct);
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
                }

                pause = FirstPause;
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was, work waits: say it once, and try again later.
                Say(e);
                await Task.Delay(pause, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    private void Say(Exception e)
    {
        var (kind, trouble) = e switch
        {
            DbException => (EmbeddingTrouble.Database, $"Embedding waits for the database: {e.Message}"),
            ModelAwayException => (EmbeddingTrouble.Model, $"The embedding model does not answer: {e.Message}"),
            _ => (EmbeddingTrouble.Model, $"Embedding stumbled: {e.Message}"),
        };
        if (state.Report(kind, trouble))
        {
            Waiting(logger, trouble, e is ModelAwayException or DbException ? null : e);
        }
    }

    /// <returns>Null when there is nothing to do for this process.</returns>
    private async Task<EmbeddingClaim?> ClaimAsync(CancellationToken ct)
    {
        var model = await models.ChooseAsync(ct);
        var space = await spaces.EnsureActiveAsync(model, ct);
        state.Over(EmbeddingTrouble.Database);
        if (EmbeddingWorkerState.Mismatch(space, model) is { } mismatch)
        {
            if (state.Report(EmbeddingTrouble.OtherModel, mismatch))
            {
                Waiting(logger, mismatch, null);
            }

            return null;
        }

        state.Over(EmbeddingTrouble.OtherModel);
        var claim = await queue.ClaimAsync(space, _options.ClaimItems, _options.ClaimBytes, _lease, ct);
        return claim.Jobs.Count > 0 ? claim : null;
    }

    private async Task DoAsync(EmbeddingClaim claim, CancellationToken ct)
    {
        using var measured = telemetry.Embedding(claim.Jobs.Count);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var renewing = RenewAsync(claim, over.Token);
        try
        {
            var (killers, jobs) = Split(claim.Jobs);
            var (done, failed) = await embedder.EmbedAsync(await models.OpenAsync(claim.Space.Identity, ct), jobs, ct);
            failed.AddRange(killers);
            var saved = await SaveAsync(claim, done, failed, ct);
            await queue.FailAsync(claim, failed, _options.MaxAttempts, TimeSpan.FromSeconds(_options.RetrySeconds), ct);
            measured.Embedded(saved, done.Sum(d => d.Parts.Count));
            if (failed.Count > 0)
            {
                Failed(logger, failed.Count, failed[0].MemoryId, failed[0].Error);
            }

            state.Over(EmbeddingTrouble.Model);
        }
        catch (Exception e) when (e is OperationCanceledException or ModelAwayException)
        {
            await ReleaseAsync(claim);
            throw;
        }
        finally
        {
            await over.CancelAsync();
            await renewing;
        }
    }

    /// <summary>Apart from the others: jobs whose workers died again and again, never telling why.</summary>
    private (List<FailedJob> Killers, List<EmbeddingJob> Jobs) Split(IReadOnlyList<EmbeddingJob> jobs)
    {
        var most = _options.MaxAttempts + DeathsForgiven;
        return (
            [.. jobs.Where(j => j.Attempt > most).Select(j => new FailedJob(j.MemoryId, EmbeddingReasons.WorkerDied, $"Given up: {j.Attempt - 1} attempts ended with their process."))],
            [.. jobs.Where(j => j.Attempt <= most)]);
    }

    /// <summary>Hands the vectors in. While the database is away they are kept, up to the lease: embedding is dearer than waiting.</summary>
    private async Task<int> SaveAsync(EmbeddingClaim claim, List<EmbeddedJob> done, List<FailedJob> failed, CancellationToken ct)
    {
        var began = time.GetTimestamp();
        for (var pause = TimeSpan.FromMilliseconds(100); ; pause *= 2)
        {
            try
            {
                return await queue.CompleteAsync(claim, done, ct);
            }
            catch (PostgresException e) when (e.SqlState.StartsWith("22", StringComparison.Ordinal))
            {
                // A vector that the type refuses although the check let it pass must not hold up the others.
                return await SaveEachAsync(claim, done, failed, ct);
            }
            catch (NpgsqlException e) when (TransientRetry.IsTransient(e) && time.GetElapsedTime(began) + pause < _lease)
            {
                await Task.Delay(pause, time, ct);
            }
        }
    }

    private async Task<int> SaveEachAsync(EmbeddingClaim claim, List<EmbeddedJob> done, List<FailedJob> failed, CancellationToken ct)
    {
        var saved = 0;
        foreach (var job in done)
        {
            try
            {
                saved += await queue.CompleteAsync(claim, [job], ct);
            }
            catch (PostgresException e) when (e.SqlState.StartsWith("22", StringComparison.Ordinal))
            {
                telemetry.EmbeddingFailed("bad_vector", 1);
                failed.Add(new FailedJob(job.Job.MemoryId, EmbeddingReasons.BadAnswer, e.MessageText));
            }
        }

        return saved;
    }

    private async Task RenewAsync(EmbeddingClaim claim, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await Task.Delay(_lease / 3, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ct.IsCancellationRequested)
            {
                return;
            }

            try
            {
                await queue.RenewAsync(claim, _lease, ct);
            }
            catch (Exception e) when (e is DbException or OperationCanceledException)
            {
                // Lost leases cost double work, never a memory.
            }
        }
    }

    private async Task ReleaseAsync(EmbeddingClaim claim)
    {
        try
        {
            using var patience = new CancellationTokenSource(Goodbye, time);
            await queue.ReleaseAsync(claim, TimeSpan.Zero, patience.Token);
        }
        catch (Exception e) when (e is DbException or OperationCanceledException)
        {
            // The lease gives it back.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Trouble}")]
    private static partial void Waiting(ILogger logger, string trouble, Exception? exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} memories could not be embedded, {First} for one: {Reason}")]
    private static partial void Failed(ILogger logger, int count, Guid first, string reason);
}

using System.Data.Common;
using Mahavishnu.Contracts;
using Mahavishnu.Embeddings;
using Mahavishnu.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Mahavishnu.Ingest;

/// <summary>One claim from the queue to its end: embedded and stored, failed with a reason, or given back. Its lease is held meanwhile.</summary>
internal sealed partial class EmbeddingClaimRunner(
    EmbeddingQueueStore queue, EmbeddingCacheStore cache, TextEmbedder embedder, EmbeddingModels models, EmbeddingRate rate,
    IngestTelemetry telemetry, IOptions<EmbeddingOptions> options, TimeProvider time, ILogger<EmbeddingWorker> logger)
{
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(3);

    // Claims that ended with their process, beyond the attempts that failed: then it is the text that kills it.
    private const int DeathsForgiven = 10;

    private readonly EmbeddingOptions _options = options.Value;
    private readonly TimeSpan _lease = TimeSpan.FromSeconds(options.Value.LeaseSeconds);
    private int _kept = options.Value.CacheRows;

    /// <param name="atOnce">Calls of the model at a time for this claim, at most; null: as many as it takes.</param>
    /// <exception cref="ModelStoppedException">The space's model cannot be used; the claim has been given back, with the reason.</exception>
    public async Task RunAsync(EmbeddingSpaceWork work, EmbeddingClaim claim, int? atOnce, CancellationToken ct)
    {
        using var measured = telemetry.Embedding(claim);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var renewing = RenewAsync(claim, over.Token);
        try
        {
            var (killers, jobs) = Split(claim.Jobs);
            var client = await models.OpenAsync(claim.Space.Identity, ct);
            work.Opened(client);
            if (work.Stopped)
            {
                // Not to embed in vain what may not be stored.
                await client.VerifyAsync(ct);
            }

            var outcome = await embedder.EmbedAsync(claim.Space, client, jobs, work.Gate, atOnce ?? client.Concurrency, ct);
            // A model that was replaced meanwhile has given vectors of its own: none of them may be stored.
            await client.VerifyAsync(ct);
            var saved = await SaveAsync(claim, outcome, ct);
            outcome.Failed.AddRange(killers);
            await queue.FailAsync(claim, outcome.Failed, _options.MaxAttempts, TimeSpan.FromSeconds(_options.RetrySeconds), ct);
            measured.Embedded(saved, outcome.Done.Sum(d => d.Parts.Count));
            rate.Add(claim.Space.Id, saved);
            if (outcome.Failed.Count > 0)
            {
                Failed(logger, outcome.Failed.Count, outcome.Failed[0].MemoryId, outcome.Failed[0].Error);
            }

            // Of one that was changed or erased meanwhile nothing may stay behind.
            if (saved == outcome.Done.Count)
            {
                await KeepAsync(claim.Space, outcome.Fresh, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await ReleaseAsync(claim, null);
            throw;
        }
        catch (ModelStoppedException e)
        {
            await StopAsync(claim, e.Fault);
            throw;
        }
        catch (EmbeddingModelException e)
        {
            var fault = new EmbeddingFault(e.Reason, e.Message);
            await StopAsync(claim, fault);
            throw new ModelStoppedException(fault, e);
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
    private async Task<int> SaveAsync(EmbeddingClaim claim, EmbeddingOutcome outcome, CancellationToken ct)
    {
        var began = time.GetTimestamp();
        for (var pause = TimeSpan.FromMilliseconds(100); ; pause *= 2)
        {
            try
            {
                return await queue.CompleteAsync(claim, outcome.Done, ct);
            }
            catch (PostgresException e) when (e.SqlState.StartsWith("22", StringComparison.Ordinal))
            {
                // A vector that the type refuses although the check let it pass must not hold up the others.
                return await SaveEachAsync(claim, outcome, ct);
            }
            catch (NpgsqlException e) when (TransientRetry.IsTransient(e) && time.GetElapsedTime(began) + pause < _lease)
            {
                await Task.Delay(pause, time, ct);
            }
        }
    }

    private async Task<int> SaveEachAsync(EmbeddingClaim claim, EmbeddingOutcome outcome, CancellationToken ct)
    {
        var saved = 0;
        foreach (var job in outcome.Done)
        {
            try
            {
                saved += await queue.CompleteAsync(claim, [job], ct);
            }
            catch (PostgresException e) when (e.SqlState.StartsWith("22", StringComparison.Ordinal))
            {
                telemetry.EmbeddingFailed(EmbeddingReasons.BadAnswer, 1);
                outcome.Failed.Add(new FailedJob(job.Job.MemoryId, EmbeddingReasons.BadAnswer, e.MessageText));
            }
        }

        return saved;
    }

    /// <summary>Keeps what the same texts will want again. Costs a little of what it spares, and is no reason to fail.</summary>
    private async Task KeepAsync(EmbeddingSpace space, IReadOnlyCollection<CachedVector> vectors, CancellationToken ct)
    {
        try
        {
            await cache.SaveAsync(space, vectors, ct);
            // From time to time, the first time soon: nobody knows what others kept.
            if (vectors.Count > 0 && Interlocked.Add(ref _kept, vectors.Count) > _options.CacheRows / 10)
            {
                Interlocked.Exchange(ref _kept, 0);
                await cache.PruneAsync(_options.CacheRows, ct);
            }
        }
        catch (DbException e)
        {
            NotKept(logger, e.Message);
        }
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

    private Task StopAsync(EmbeddingClaim claim, EmbeddingFault fault)
    {
        telemetry.EmbeddingFailed(fault.Reason, claim.Jobs.Count);
        return ReleaseAsync(claim, fault);
    }

    private async Task ReleaseAsync(EmbeddingClaim claim, EmbeddingFault? fault)
    {
        try
        {
            using var patience = new CancellationTokenSource(Goodbye, time);
            await queue.ReleaseAsync(claim, TimeSpan.Zero, patience.Token, fault?.Reason, fault?.Error);
        }
        catch (Exception e) when (e is DbException or OperationCanceledException)
        {
            // The lease gives it back.
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} memories could not be embedded, {First} for one: {Reason}")]
    private static partial void Failed(ILogger logger, int count, Guid first, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The vectors were not kept for the next time: {Reason}")]
    private static partial void NotKept(ILogger logger, string reason);
}

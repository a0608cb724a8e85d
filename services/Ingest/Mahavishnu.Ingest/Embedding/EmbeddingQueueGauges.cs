using System.Data.Common;
using Mahavishnu.Storage;
using Microsoft.Extensions.Hosting;

namespace Mahavishnu.Ingest;

/// <summary>Keeps the queue's gauges up to date while somebody reads them; counting a long queue is not free.</summary>
internal sealed class EmbeddingQueueGauges(EmbeddingSpaceStore spaces, EmbeddingQueueStore queue, IngestTelemetry telemetry, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (telemetry.QueueIsWatched)
                {
                    foreach (var space in await spaces.ListAsync(stoppingToken))
                    {
                        telemetry.Queue(space, await queue.StatusAsync(space, stoppingToken), time.GetUtcNow());
                    }
                }
            }
            catch (Exception e) when (e is DbException or OperationCanceledException)
            {
                // A gauge that cannot be read keeps its last value.
            }

            await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

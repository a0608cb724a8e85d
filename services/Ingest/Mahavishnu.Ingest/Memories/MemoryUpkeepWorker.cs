using System.Data.Common;
using Mahavishnu.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Ingest;

/// <summary>Looks every few seconds whether memories were written, by whichever process, and has their indexes brought up to date.</summary>
internal sealed partial class MemoryUpkeepWorker(MemoryUpkeepStore store, TimeProvider time, ILogger<MemoryUpkeepWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        long? seen = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var changes = await store.CountChangesAsync(stoppingToken);
                if (changes != seen)
                {
                    if (await store.TidyAsync(stoppingToken))
                    {
                        Counted(logger);
                    }

                    seen = changes;
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is DbException or ObjectDisposedException)
            {
                // Away, or another role's tables: autovacuum will do it.
                Left(logger, e.Message);
            }

            await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Many memories are new: how common their words are was counted again")]
    private static partial void Counted(ILogger logger);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The memories' indexes are left to the server: {Reason}")]
    private static partial void Left(ILogger logger, string reason);
}

using System.Data.Common;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mahavishnu.Ingest;

/// <summary>Tells the worker of this process that turns wait; another process finds them at its next look.</summary>
internal sealed class InsightSignal : IDisposable
{
    private readonly SemaphoreSlim _waiting = new(0, 1);

    public void Raise()
    {
        try
        {
            _waiting.Release();
        }
        catch (SemaphoreFullException)
        {
            // Told already.
        }
    }

    public Task WaitAsync(TimeSpan atMost, CancellationToken ct) => _waiting.WaitAsync(atMost, ct);

    public void Dispose() => _waiting.Dispose();
}

/// <summary>Looks through turns that were stored, apart from their writes: those neither wait for it nor fail by it, and what is asked of it survives the process.</summary>
internal sealed partial class InsightWorker(
    InsightStore store, InsightExtractor extractor, InsightModel model, InsightSignal signal, IOptions<InsightOptions> options, TimeProvider time, ILogger<InsightWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await store.NextAsync(
                    m => extractor.Extract(m.Content).Found, model.Name, m => model.Wants(m.Content), options.Value.MaxPerCheckpoint, options.Value.MaxPerSession, stoppingToken))
                {
                }

                await signal.WaitAsync(Idle, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is DbException or ObjectDisposedException)
            {
                // Away, or of another version: what waits goes on waiting.
                Waiting(logger, e.Message);
                await Task.Delay(AfterTrouble, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Insights wait for the database: {Reason}")]
    private static partial void Waiting(ILogger logger, string reason);
}

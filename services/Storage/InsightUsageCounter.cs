using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mahavishnu.Storage;

/// <summary>Counts which insights are used, beside the answers: none waits for it. What was counted is stored together, about once a second and at the end.</summary>
public sealed partial class InsightUsageCounter(InsightUsageStore store, TimeProvider time, ILogger<InsightUsageCounter> logger) : BackgroundService
{
    // While the database is away. What comes beyond is not counted.
    private const int MostWaiting = 100_000;

    private static readonly TimeSpan BetweenWrites = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private Dictionary<Guid, UsageCount> _counts = [];

    /// <summary>A search answered with these.</summary>
    public void Found(IEnumerable<Guid> insights)
    {
        lock (_lock)
        {
            foreach (var id in insights)
            {
                Add(id, new UsageCount(1, 0));
            }
        }
    }

    /// <summary>One was read by its id.</summary>
    public void Read(Guid insight)
    {
        lock (_lock)
        {
            Add(insight, new UsageCount(0, 1));
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(BetweenWrites, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested)
            {
                using var patience = new CancellationTokenSource(Goodbye, time);
                await WriteAsync(patience.Token);
            }
            else
            {
                await WriteAsync(stoppingToken);
            }
        }
    }

    private void Add(Guid id, UsageCount count)
    {
        if (_counts.TryGetValue(id, out var before))
        {
            _counts[id] = new UsageCount(before.Found + count.Found, before.Read + count.Read);
        }
        else if (_counts.Count < MostWaiting)
        {
            _counts.Add(id, count);
        }
    }

    private async Task WriteAsync(CancellationToken ct)
    {
        Dictionary<Guid, UsageCount> counts;
        lock (_lock)
        {
            (counts, _counts) = (_counts, []);
        }

        if (counts.Count == 0)
        {
            return;
        }

        try
        {
            await store.AddAsync(counts, time.GetUtcNow(), ct);
        }
        catch (Exception e) when (e is System.Data.Common.DbException or OperationCanceledException or ObjectDisposedException)
        {
            NotStored(logger, e.Message);
            lock (_lock)
            {
                foreach (var (id, count) in counts)
                {
                    Add(id, count);
                }
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "How much insights are used is stored later: {Reason}")]
    private static partial void NotStored(ILogger logger, string reason);
}
